package clerkthrottle

import (
	"errors"
	"net/http"
	"strings"

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
	rt, err := transport.New(cfg.Config)
	if err != nil {
		return nil, errors.New(optionNames.Replace(err.Error()))
	}
	return rt, nil
}

// optionNames are those of the fields that transport's errors name.
var optionNames = strings.NewReplacer("transport: ", "clerkthrottle: ", "Config.Base", "WithBase", "Config.SameAs", "WithBudgetOf", "and Budget ", "and WithBudget ")
