package transport

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// joined returns one observer that calls all of those given. A function that none of
// them has stays nil.
func joined(observers []*Observer) Observer {
	var all Observer
	for _, o := range observers {
		all.Waited = both(all.Waited, o.Waited)
		all.Refused = both(all.Refused, o.Refused)
		all.Answered = both(all.Answered, o.Answered)
		all.Retrying = both(all.Retrying, o.Retrying)
		all.RetryDenied = both(all.RetryDenied, o.RetryDenied)
	}
	return all
}

func both[E any](first, then func(context.Context, E)) func(context.Context, E) {
	if first == nil || then == nil {
		if first == nil {
			return then
		}
		return first
	}
	return func(ctx context.Context, e E) {
		first(ctx, e)
		then(ctx, e)
	}
}

func (t *Transport) tellWaited(ctx context.Context, claim *Claim, p *permit) {
	e := WaitEvent{
		Endpoint: claim.Endpoint, Key: claim.Key, Priority: termsOf(ctx).priority,
		Start: time.Now().Add(-p.Waited()), Wait: p.Waited(), DryRun: t.scheduler.cfg.DryRun,
	}
	if t.scheduler.cfg.DryRun {
		e.Start = time.Now()
	}
	e.Hold, e.Limit = p.WaitedFor()
	t.observer.Waited(ctx, e)
}

func (t *Transport) tellRefused(ctx context.Context, err error) {
	if e := (*ThrottledError)(nil); t.observer.Refused != nil && errors.As(err, &e) {
		t.observer.Refused(ctx, e)
	}
}

func (t *Transport) tellAnswered(req *http.Request, claim *Claim, attempt int, took time.Duration, a *answer) {
	ctx := t.withDefaultPriority(req.Context())
	t.observer.Answered(ctx, AnswerEvent{
		Endpoint: claim.Endpoint, Key: claim.Key, Priority: termsOf(ctx).priority,
		Attempt: attempt, Status: a.status(), Outcome: a.outcome.String(), Duration: took,
	})
}

// tellRetry calls tell, if not nil, with the call's last attempt.
func (c *call) tellRetry(tell func(context.Context, RetryEvent)) {
	if tell != nil {
		tell(c.ctx, RetryEvent{
			Endpoint: c.claim.Endpoint, Key: c.claim.Key,
			Attempt: c.attempt, Status: c.answer.status(), Pause: c.pause,
		})
	}
}
