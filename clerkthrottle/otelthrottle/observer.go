package otelthrottle

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Observer returns an observer for clerkthrottle.WithObserver or [transport.Config].
// It counts requests, waits, retries and blocks, and records them in traces. Several
// throttles may share it.
func (in *Instrumentation) Observer() *transport.Observer {
	return &transport.Observer{
		Answered: in.answered,
		Waited:   in.waited,
		Refused:  in.refused,
		Retrying: in.retrying,
		Blocked:  in.blocked,
	}
}

// answered counts an attempt.
func (in *Instrumentation) answered(ctx context.Context, e transport.AnswerEvent) {
	in.count(ctx, in.requestCount, labels{endpoint: e.Endpoint, priority: e.Priority.String(), outcome: e.Outcome, errorType: errorType(e.Status)})
}

// waited records a wait that is over, also as a span, to show it beside the time that
// the request itself took. A dry run's wait took no time: it is an event.
func (in *Instrumentation) waited(ctx context.Context, e transport.WaitEvent) {
	l := labels{endpoint: e.Endpoint, priority: e.Priority.String(), hold: string(e.Hold), limit: e.Limit, dryRun: e.DryRun}
	if in.waitDuration.Enabled(ctx) {
		in.waitDuration.Record(ctx, e.Wait.Seconds(), in.sets.of(l).record...)
	}
	span := trace.SpanFromContext(ctx)
	switch {
	case !span.IsRecording():
	case e.DryRun:
		event(span, "clerkthrottle.wait", l, waitedKey.Float64(e.Wait.Seconds()))
	default:
		_, wait := in.tracer.Start(ctx, "clerkthrottle.wait", trace.WithTimestamp(e.Start), trace.WithAttributes(l.attributes()...))
		wait.End(trace.WithTimestamp(e.Start.Add(e.Wait)))
	}
}

// refused counts a refusal and records it on the caller's span, as an event, since it
// takes no time. Whether the caller's own work failed is for the caller to say.
func (in *Instrumentation) refused(ctx context.Context, e *transport.ThrottledError) {
	l := labels{endpoint: e.Endpoint, priority: e.Priority.String(), hold: string(e.Hold), limit: e.Limit}
	refusal := l
	refusal.outcome, refusal.errorType = "refused", string(e.Reason)
	in.count(ctx, in.requestCount, refusal)
	span := trace.SpanFromContext(ctx)
	switch reason := reasonKey.String(string(e.Reason)); {
	case !span.IsRecording():
	case e.Hold == "":
		event(span, "clerkthrottle.refused", l, reason)
	default:
		event(span, "clerkthrottle.refused", l, reason, waitedKey.Float64(e.Wait.Seconds()), queueKey.Int(e.Queue))
	}
}

// retrying counts a retry and records it on the caller's span. It is an event: what
// takes time are the attempts, which have otelhttp's spans, and the wait for a block
// to end, which has its own. The pause after another failure is an attribute: it is
// only about to begin, and may be cut short.
func (in *Instrumentation) retrying(ctx context.Context, e transport.RetryEvent) {
	l := labels{endpoint: e.Endpoint, errorType: errorType(e.Status)}
	in.count(ctx, in.retryCount, l)
	span := trace.SpanFromContext(ctx)
	switch resend := semconv.HTTPRequestResendCount(e.Attempt); {
	case !span.IsRecording():
	case e.Pause == 0:
		event(span, "clerkthrottle.retry", l, resend)
	default:
		event(span, "clerkthrottle.retry", l, resend, pauseKey.Float64(e.Pause.Seconds()))
	}
}

// blocked has no context: a block concerns all requests.
func (in *Instrumentation) blocked(e transport.BlockEvent) {
	in.count(context.Background(), in.blockCount, labels{endpoint: e.Endpoint})
}

func (in *Instrumentation) count(ctx context.Context, c metric.Int64Counter, l labels) {
	if c.Enabled(ctx) {
		c.Add(ctx, 1, in.sets.of(l).add...)
	}
}

func event(span trace.Span, name string, l labels, more ...attribute.KeyValue) {
	span.AddEvent(name, trace.WithAttributes(append(l.attributes(), more...)...))
}
