package otelthrottle

import (
	"errors"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// ScopeName is the instrumentation scope of all metrics and spans.
const ScopeName = "github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/otelthrottle"

// Instrumentation measures the throttles that use its Observer and those that it
// watches. A program needs only one: the numbers of several throttles add up. It is
// safe for concurrent use. Use [New].
type Instrumentation struct {
	instruments
	tracer trace.Tracer
	sets   sets

	mu      sync.Mutex
	sources []*Source
}

// Option configures [New]. Without options it uses the global providers.
type Option func(*config) error

type config struct {
	meters  metric.MeterProvider
	tracers trace.TracerProvider
}

// New returns an Instrumentation, or an error that names the invalid option or the
// instrument that the meter provider refused.
func New(opts ...Option) (*Instrumentation, error) {
	cfg := config{otel.GetMeterProvider(), otel.GetTracerProvider()}
	for i, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("otelthrottle: option number %d is nil", i+1)
		}
		if err := opt(&cfg); err != nil {
			return nil, fmt.Errorf("otelthrottle: %w", err)
		}
	}
	in := &Instrumentation{
		tracer: cfg.tracers.Tracer(ScopeName, trace.WithSchemaURL(semconv.SchemaURL)),
		sets:   sets{kept: make(map[labels]set)},
	}
	meter := cfg.meters.Meter(ScopeName, metric.WithSchemaURL(semconv.SchemaURL))
	observables, err := in.create(meter)
	if err == nil {
		_, err = meter.RegisterCallback(in.collect, observables...)
	}
	if err != nil {
		return nil, fmt.Errorf("otelthrottle: %w", err)
	}
	return in, nil
}

// WithMeterProvider sets where the metrics go. Default: the global provider
// [otel.GetMeterProvider], even if it is set later. For spans only, use the provider
// of package go.opentelemetry.io/otel/metric/noop.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(c *config) error {
		if p == nil {
			return errors.New("WithMeterProvider(nil): the provider is nil")
		}
		c.meters = p
		return nil
	}
}

// WithTracerProvider sets where the spans of waits go. Default: the global provider
// [otel.GetTracerProvider], even if it is set later. Use the provider that the
// callers' spans come from.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(c *config) error {
		if p == nil {
			return errors.New("WithTracerProvider(nil): the provider is nil")
		}
		c.tracers = p
		return nil
	}
}
