package clerkthrottle

import (
	"errors"
	"net/http"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// NewClient returns an [http.Client] that throttles its requests to Clerk. Create one
// and share it. It has no Timeout: if you set one, it includes the time spent waiting.
// An error names the invalid option and its value.
//
// If you need the [Transport] itself, for Snapshot, Estimate, Close or a status page,
// create the client yourself:
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

// NewTransport returns a throttle, which is an [http.RoundTripper]. An error names the
// invalid option and its value.
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
	rt, err := transport.New(cfg.Config)
	if err != nil {
		return nil, errors.New(optionNames.Replace(err.Error()))
	}
	return rt, nil
}

// optionNames replaces the fields in transport's errors by the options that set them.
var optionNames = strings.NewReplacer("transport: ", "clerkthrottle: ", "Config.Base", "WithBase", "Config.SameAs", "WithBudgetOf", "and Budget ", "and WithBudget ")
