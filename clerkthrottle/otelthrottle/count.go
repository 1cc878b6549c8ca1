package otelthrottle

import (
	"context"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// beyond stands for all statuses that no RFC knows.
const beyond = 600

// answered counts an attempt. It is the only one of these that an undisturbed
// request costs.
func (in *Instrumentation) answered(ctx context.Context, e transport.AnswerEvent) {
	if !in.requestCount.Enabled(ctx) {
		return
	}
	key := answerKey{endpoint: in.endpoints.get(e.Endpoint), priority: classOf(e.Priority), outcome: e.Outcome}
	if e.Status >= 400 {
		key.status = min(e.Status, beyond)
	}
	in.requestCount.Add(ctx, 1, in.answers.get(key).add...)
}

func (in *Instrumentation) refused(ctx context.Context, e *transport.ThrottledError) {
	if !in.requestCount.Enabled(ctx) {
		return
	}
	key := refusalKey{
		endpoint: in.endpoints.get(e.Endpoint), priority: classOf(e.Priority),
		reason: knownReason(e.Reason), hold: knownHold(e.Hold), limit: in.limitOf(e.Limit),
	}
	in.requestCount.Add(ctx, 1, in.refusals.get(key).add...)
}

func (in *Instrumentation) waited(ctx context.Context, e transport.WaitEvent) {
	if !in.waitDuration.Enabled(ctx) {
		return
	}
	in.waitDuration.Record(ctx, e.Wait.Seconds(), in.waits.get(in.waitKeyOf(e)).record...)
}

func (in *Instrumentation) waitKeyOf(e transport.WaitEvent) waitKey {
	return waitKey{
		endpoint: in.endpoints.get(e.Endpoint), priority: classOf(e.Priority),
		hold: knownHold(e.Hold), limit: in.limitOf(e.Limit), dryRun: e.DryRun,
	}
}

func (in *Instrumentation) retrying(ctx context.Context, e transport.RetryEvent) {
	if !in.retryCount.Enabled(ctx) {
		return
	}
	key := retryKey{endpoint: in.endpoints.get(e.Endpoint), status: min(max(e.Status, 0), beyond)}
	in.retryCount.Add(ctx, 1, in.retries.get(key).add...)
}

// blocked has no context: a block concerns everybody.
func (in *Instrumentation) blocked(e transport.BlockEvent) {
	in.blockCount.Add(context.Background(), 1, in.blocks.get(in.endpoints.get(e.Endpoint)).add...)
}

// limitOf returns nil for no limit.
func (in *Instrumentation) limitOf(name string) *limit {
	if name == "" {
		return nil
	}
	return in.limits.get(name)
}

// classOf keeps to the three classes: a context may hold any number.
func classOf(p transport.Priority) transport.Priority {
	return min(max(p, transport.Batch), transport.Interactive)
}
