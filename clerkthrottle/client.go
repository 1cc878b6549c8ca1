package clerkthrottle

import (
	"net/http"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// NewClient returns an [http.Client] whose requests to Clerk are throttled. It
// has no Timeout of its own: one that is set later counts the time spent
// waiting, too. See [NewTransport] for the errors. It is short for
//
//	throttle, err := clerkthrottle.NewTransport(opts...)
//	client := &http.Client{Transport: throttle}
//
// which is the way to go for a program that asks the throttle for a Snapshot or
// an Estimate, shows it on a status page, or closes it.
func NewClient(opts ...Option) (*http.Client, error) {
	rt, err := NewTransport(opts...)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: rt}, nil
}

// NewTransport returns the throttle as an [http.RoundTripper]. The error names
// the option that is wrong, and its value.
func NewTransport(opts ...Option) (*Transport, error) {
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	classifier, err := newClassifier(cfg)
	if err != nil {
		return nil, err
	}
	cfg.Classify, cfg.Ruled = classifier.classify, isProductRule
	cfg.Observers = append(cfg.Observers, logObserver(cfg.logger))
	return transport.New(cfg.Config)
}
