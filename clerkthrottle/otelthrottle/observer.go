package otelthrottle

import (
	"context"
	"slices"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Observer returns what to give to clerkthrottle.WithObserver, or to
// [transport.Config]: it counts requests, waits, retries and blocks, and shows
// them in traces. It may be given to several throttles.
func (in *Instrumentation) Observer() *transport.Observer {
	return &transport.Observer{
		Answered: in.answered,
		Waited:   in.waited,
		Refused:  in.refused,
		Retrying: in.retrying,
		Blocked:  in.blocked,
	}
}

// answered counts an attempt. An undisturbed request costs nothing else.
func (in *Instrumentation) answered(ctx context.Context, e transport.AnswerEvent) {
	if !in.requestCount.Enabled(ctx) {
		return
	}
	l := labels{endpoint: in.endpoint(e.Endpoint), priority: classOf(e.Priority), outcome: e.Outcome}
	switch {
	case e.Status >= 400:
		l.status = min(e.Status, 600) // one for all that no RFC knows
	case e.Status == 0:
		l.status = noAnswer
	}
	in.requestCount.Add(ctx, 1, in.options.of(l).add...)
}

// waited measures a wait that is over, and makes a span of it: time passed, and it
// is to show beside the time that the request itself took. What a dry run would
// have waited is no time that passed: it is an event.
func (in *Instrumentation) waited(ctx context.Context, e transport.WaitEvent) {
	span := trace.SpanFromContext(ctx)
	traced, measured := span.IsRecording(), in.waitDuration.Enabled(ctx)
	if !traced && !measured {
		return
	}
	l := labels{endpoint: in.endpoint(e.Endpoint), priority: classOf(e.Priority), hold: holdOf(e.Hold), limit: in.limit(e.Limit), dryRun: e.DryRun}
	if measured {
		in.waitDuration.Record(ctx, e.Wait.Seconds(), in.options.of(l).record...)
	}
	switch {
	case !traced:
	case e.DryRun:
		span.AddEvent("clerkthrottle.wait", trace.WithAttributes(append(l.attributes(), waitedKey.Float64(e.Wait.Seconds()))...))
	default:
		_, span := in.tracer.Start(ctx, "clerkthrottle.wait", trace.WithTimestamp(e.Start), trace.WithAttributes(l.attributes()...))
		span.End(trace.WithTimestamp(e.Start.Add(e.Wait)))
	}
}

// refused counts a refusal, and notes it on the caller's span: an event, since it
// takes no time. Whether the caller's work has failed with it is the caller's to
// say.
func (in *Instrumentation) refused(ctx context.Context, e *transport.ThrottledError) {
	endpoint, priority, reason := in.endpoint(e.Endpoint), classOf(e.Priority), known(e.Reason,
		transport.ReasonDeadline, transport.ReasonMaxWait, transport.ReasonQueueFull, transport.ReasonClosed, transport.ReasonUnavailable)
	held := labels{hold: holdOf(e.Hold), limit: in.limit(e.Limit)}
	if in.requestCount.Enabled(ctx) {
		l := held
		l.endpoint, l.priority, l.outcome, l.errorType = endpoint, priority, "refused", reason
		in.requestCount.Add(ctx, 1, in.options.of(l).add...)
	}
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	all := append(labels{endpoint: endpoint, priority: priority}.attributes(), reasonKey.String(reason))
	all = append(all, held.attributes()...)
	if e.Hold != "" {
		all = append(all, waitedKey.Float64(e.Wait.Seconds()), queueKey.Int(e.Queue))
	}
	span.AddEvent("clerkthrottle.refused", trace.WithAttributes(all...))
}

// retrying counts that an attempt is to be repeated, and notes it on the caller's
// span: an event, since what takes time are the attempts, which have otelhttp's
// spans, and the wait for a block to end, which has one of its own. The pause after
// another failure is an attribute: it is only about to begin, and may be cut short.
func (in *Instrumentation) retrying(ctx context.Context, e transport.RetryEvent) {
	l := labels{endpoint: in.endpoint(e.Endpoint), status: noAnswer}
	if e.Status > 0 {
		l.status = min(e.Status, 600)
	}
	if in.retryCount.Enabled(ctx) {
		in.retryCount.Add(ctx, 1, in.options.of(l).add...)
	}
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	all := append(endpointAttributes(l.endpoint), semconv.HTTPRequestResendCount(e.Attempt), errorOf(l.status))
	if e.Pause > 0 {
		all = append(all, pauseKey.Float64(e.Pause.Seconds()))
	}
	span.AddEvent("clerkthrottle.retry", trace.WithAttributes(all...))
}

// blocked has no context: a block concerns everybody.
func (in *Instrumentation) blocked(e transport.BlockEvent) {
	in.blockCount.Add(context.Background(), 1, in.options.of(labels{endpoint: in.endpoint(e.Endpoint)}).add...)
}

func (in *Instrumentation) endpoint(name string) string {
	return in.endpoints.bound(name, otherEndpoint)
}
func (in *Instrumentation) limit(name string) string { return in.limits.bound(name, other) }

// known keeps to the words that there are: a budget of somebody else's may have
// others.
func known[S ~string](word S, words ...S) string {
	if word == "" || slices.Contains(words, word) {
		return string(word)
	}
	return other
}

func holdOf(h transport.Hold) string {
	return known(h, transport.HoldBlock, transport.HoldLimit, transport.HoldRate)
}
