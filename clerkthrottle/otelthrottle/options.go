package otelthrottle

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Option configures [New]. The zero configuration uses the global providers.
type Option func(*config) error

type config struct {
	meters  metric.MeterProvider
	tracers trace.TracerProvider
}

func newConfig(opts []Option) (*config, error) {
	cfg := &config{}
	for i, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("otelthrottle: option number %d is nil", i+1)
		}
		if err := opt(cfg); err != nil {
			return nil, fmt.Errorf("otelthrottle: %w", err)
		}
	}
	if cfg.meters == nil {
		cfg.meters = otel.GetMeterProvider()
	}
	if cfg.tracers == nil {
		cfg.tracers = otel.GetTracerProvider()
	}
	return cfg, nil
}

// WithMeterProvider sets where the metrics go. Default: the global provider, as
// [otel.GetMeterProvider] returns it, even if it is set later. For spans alone,
// give the one of package go.opentelemetry.io/otel/metric/noop.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(c *config) error {
		if p == nil {
			return errors.New("WithMeterProvider: the provider is nil")
		}
		c.meters = p
		return nil
	}
}

// WithTracerProvider sets where the spans of waits go. Default: the global
// provider, as [otel.GetTracerProvider] returns it, even if it is set later. It
// should be the one that the callers' spans come from.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(c *config) error {
		if p == nil {
			return errors.New("WithTracerProvider: the provider is nil")
		}
		c.tracers = p
		return nil
	}
}
