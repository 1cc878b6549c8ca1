package otelthrottle

import (
	"context"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// ScopeName is the name of the instrumentation scope of all metrics and spans.
const ScopeName = "github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/otelthrottle"

// Instrumentation measures throttles: those that were given its Observer, and
// those that it watches. One does for a whole program, however many throttles
// there are; their numbers add up. It is safe for concurrent use. Use [New].
type Instrumentation struct {
	instruments
	tracer trace.Tracer

	endpoints bounded[endpoint]
	limits    bounded[limit]
	answers   options[answerKey]
	refusals  options[refusalKey]
	waits     options[waitKey]
	retries   options[retryKey]
	blocks    options[*endpoint]

	mu      sync.Mutex
	sources []*source
}

// New returns an Instrumentation, or an error that names the option that is
// wrong or the instrument that the meter provider would not make.
func New(opts ...Option) (*Instrumentation, error) {
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	in := &Instrumentation{
		tracer:    cfg.tracers.Tracer(ScopeName, trace.WithSchemaURL(semconv.SchemaURL)),
		endpoints: bounded[endpoint]{parse: parseEndpoint, other: otherEndpoint},
		limits:    bounded[limit]{parse: parseLimit, other: otherLimit},
		answers:   options[answerKey]{of: answerKey.attributes},
		refusals:  options[refusalKey]{of: refusalKey.attributes},
		waits:     options[waitKey]{of: waitKey.attributes},
		retries:   options[retryKey]{of: retryKey.attributes},
		blocks:    options[*endpoint]{of: (*endpoint).attributes},
	}
	meter := cfg.meters.Meter(ScopeName, metric.WithSchemaURL(semconv.SchemaURL))
	if err := in.create(meter); err != nil {
		return nil, fmt.Errorf("otelthrottle: %w", err)
	}
	if _, err := meter.RegisterCallback(in.collect, in.observables()...); err != nil {
		return nil, fmt.Errorf("otelthrottle: %w", err)
	}
	return in, nil
}

// Observer returns what to give to clerkthrottle.WithObserver, or to
// [transport.Config]: it counts requests, waits, retries and blocks, and shows
// them in traces. It may be given to several throttles.
func (in *Instrumentation) Observer() *transport.Observer {
	return &transport.Observer{
		Answered: in.answered,
		Waited: func(ctx context.Context, e transport.WaitEvent) {
			in.waited(ctx, e)
			in.traceWait(ctx, e)
		},
		Refused: func(ctx context.Context, e *transport.ThrottledError) {
			in.refused(ctx, e)
			in.traceRefusal(ctx, e)
		},
		Retrying: func(ctx context.Context, e transport.RetryEvent) {
			in.retrying(ctx, e)
			in.traceRetry(ctx, e)
		},
		Blocked: in.blocked,
	}
}
