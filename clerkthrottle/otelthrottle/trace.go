package otelthrottle

import (
	"context"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// The names of the spans and span events.
const (
	waitName    = "clerkthrottle.wait"
	refusedName = "clerkthrottle.refused"
	retryName   = "clerkthrottle.retry"
)

// traceWait makes a span of a wait that is over: time passed, and it is to show
// beside the time that the request itself took. What a dry run would have waited
// is no time that passed: it is an event.
func (in *Instrumentation) traceWait(ctx context.Context, e transport.WaitEvent) {
	current, ok := recording(ctx)
	if !ok {
		return
	}
	all := in.waitKeyOf(e).attributes()
	if e.DryRun {
		current.AddEvent(waitName, trace.WithAttributes(append(all, waitedKey.Float64(e.Wait.Seconds()))...))
		return
	}
	_, span := in.tracer.Start(ctx, waitName, trace.WithTimestamp(e.Start), trace.WithAttributes(all...))
	span.End(trace.WithTimestamp(e.Start.Add(e.Wait)))
}

// traceRefusal notes a refusal on the caller's span: an event, since it takes no
// time. Whether the caller's work has failed with it is the caller's to say.
func (in *Instrumentation) traceRefusal(ctx context.Context, e *transport.ThrottledError) {
	current, ok := recording(ctx)
	if !ok {
		return
	}
	all := append(in.endpoints.get(e.Endpoint).attributes(),
		priorityOf(e.Priority), reasonKey.String(string(knownReason(e.Reason))))
	all = append(all, heldBy(knownHold(e.Hold), in.limitOf(e.Limit))...)
	if e.Hold != "" {
		all = append(all, waitedKey.Float64(e.Wait.Seconds()), queueKey.Int(e.Queue))
	}
	current.AddEvent(refusedName, trace.WithAttributes(all...))
}

// traceRetry notes on the caller's span that an attempt is to be repeated: an
// event, since what takes time are the attempts, which have otelhttp's spans,
// and the wait for a block to end, which has one of its own. The pause after
// another failure is an attribute: it is only about to begin, and may be cut
// short.
func (in *Instrumentation) traceRetry(ctx context.Context, e transport.RetryEvent) {
	current, ok := recording(ctx)
	if !ok {
		return
	}
	all := append(in.endpoints.get(e.Endpoint).attributes(), semconv.HTTPRequestResendCount(e.Attempt), errorOf(e.Status))
	if e.Pause > 0 {
		all = append(all, pauseKey.Float64(e.Pause.Seconds()))
	}
	current.AddEvent(retryName, trace.WithAttributes(all...))
}

// recording returns the current span, if anybody will see what is added to it.
func recording(ctx context.Context) (trace.Span, bool) {
	span := trace.SpanFromContext(ctx)
	return span, span.IsRecording()
}
