package transport

import (
	"context"
	"errors"
	"time"
)

// hooks are the functions of a transport's observers, by event, so that an event
// that nobody asked for costs nothing.
type hooks struct {
	waited   []func(context.Context, WaitEvent)
	refused  []func(context.Context, *ThrottledError)
	answered []func(context.Context, AnswerEvent)
	retrying []func(context.Context, RetryEvent)
}

func newHooks(observers []*Observer) hooks {
	var h hooks
	for _, o := range observers {
		if o.Waited != nil {
			h.waited = append(h.waited, o.Waited)
		}
		if o.Refused != nil {
			h.refused = append(h.refused, o.Refused)
		}
		if o.Answered != nil {
			h.answered = append(h.answered, o.Answered)
		}
		if o.Retrying != nil {
			h.retrying = append(h.retrying, o.Retrying)
		}
	}
	return h
}

func (h *hooks) tellWaited(ctx context.Context, claim *Claim, lease *permit, dryRun bool) {
	e := WaitEvent{
		Endpoint: claim.Endpoint, Key: claim.Key, Priority: PriorityOf(ctx),
		Start: time.Now().Add(-lease.Waited()), Wait: lease.Waited(), DryRun: dryRun,
	}
	if dryRun {
		e.Start = time.Now()
	}
	e.Hold, e.Limit = lease.WaitedFor()
	for _, tell := range h.waited {
		tell(ctx, e)
	}
}

func (h *hooks) tellRefused(ctx context.Context, err error) {
	if len(h.refused) == 0 {
		return
	}
	if e := (*ThrottledError)(nil); errors.As(err, &e) {
		for _, tell := range h.refused {
			tell(ctx, e)
		}
	}
}

func (h *hooks) tellAnswered(ctx context.Context, claim *Claim, attempt int, took time.Duration, a *answer) {
	e := AnswerEvent{
		Endpoint: claim.Endpoint, Key: claim.Key, Priority: PriorityOf(ctx),
		Attempt: attempt, Outcome: a.outcome, Duration: took,
	}
	if a.resp != nil {
		e.Status = a.resp.StatusCode
	}
	for _, tell := range h.answered {
		tell(ctx, e)
	}
}

func (h *hooks) tellRetrying(c *call) {
	if len(h.retrying) == 0 {
		return
	}
	e := RetryEvent{Endpoint: c.claim.Endpoint, Key: c.claim.Key, Attempt: c.attempt, Pause: c.pause}
	if c.answer.resp != nil {
		e.Status = c.answer.resp.StatusCode
	}
	for _, tell := range h.retrying {
		tell(c.ctx, e)
	}
}
