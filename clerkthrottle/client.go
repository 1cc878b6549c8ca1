package clerkthrottle

import (
	"net/http"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// NewClient returns an [http.Client] whose requests to Clerk are throttled. Make one
// and share it. It has no Timeout: one that you set counts the time spent waiting,
// too. The error names the option that is wrong, and its value.
//
// A program that wants more of the throttle, its Snapshot or an Estimate, a status
// page, or to Close it, makes the client itself:
//
//	throttle, err := clerkthrottle.NewTransport(opts...)
//	client := &http.Client{Transport: throttle}
func NewClient(opts ...Option) (*http.Client, error) {
	rt, err := NewTransport(opts...)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: rt}, nil
}

// NewTransport returns the throttle, which is an [http.RoundTripper]. The error
// names the option that is wrong, and its value.
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
