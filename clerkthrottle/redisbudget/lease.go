package redisbudget

import (
	"context"
	"math"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// line is where requests wait that draw on the same limits and pass the same
// gate, of one class. First come, first served; who comes first of two lines of a
// class goes first, too.
type line struct {
	class     int
	endpoint  *endpoint
	limits    []*limit
	queue     queue.Queue[*lease]
	notBefore time.Duration // nothing is to be had before
	active    bool          // on the budget's list of lines that are not empty
	users     int           // leases that refer to it
}

func (ln *line) idle(time.Duration) bool { return ln.users == 0 && !ln.active }

// lease is one request: first waiting, then under way. Until it is granted it is
// guarded by the budget's lock; after that it belongs to the goroutine that
// called Acquire.
type lease struct {
	budget *Budget
	claim  *transport.Claim
	line   *line
	number uint64 // in the order of arrival

	arrived time.Duration
	until   time.Duration    // may wait no longer than this
	why     transport.Reason // whose bound until is
	looked  bool             // was told once how long it would have to wait
	hold    transport.Hold   // what it waited for when it was
	heldBy  string           // the name of the limit
	sent    time.Duration
	settled bool

	node    queue.Node[*lease]
	granted chan struct{} // closed when it may be sent, or is refused
	refused error         // set before granted is closed
}

// boundBy notes how long l may wait.
func (l *lease) boundBy(ctx context.Context, now, maxWait time.Duration) {
	l.arrived, l.until, l.why = now, saturatingAdd(now, maxWait), transport.ReasonMaxWait
	if deadline, ok := ctx.Deadline(); ok {
		if left := time.Until(deadline); left < maxWait {
			l.until, l.why = now+left, transport.ReasonDeadline
		}
	}
}

// grant lets the waiting goroutine go on: to send, or to return err.
func (l *lease) grant(err error) {
	l.refused = err
	close(l.granted)
}

// wait blocks until l is granted, and gives up its place when ctx ends or the
// bound is over. Who may not wait at all still hears what Redis says.
func (l *lease) wait(ctx context.Context) error {
	bound := time.NewTimer(l.until - l.arrived)
	defer bound.Stop()
	select {
	case <-l.granted:
		return l.refused
	case <-ctx.Done():
		return l.abandon(ctx)
	case <-bound.C:
	}
	if l.wasLookedAt() {
		return l.abandon(ctx)
	}
	bound.Reset(l.budget.cfg.timeout)
	select {
	case <-l.granted:
		return l.refused
	case <-ctx.Done():
	case <-bound.C:
	}
	return l.abandon(ctx)
}

// wasLookedAt reports whether l has been told how long it would wait. If not, it
// is to be, and its own bound is checked then.
func (l *lease) wasLookedAt() bool {
	l.budget.mu.Lock()
	defer l.budget.mu.Unlock()
	return l.looked
}

// abandon takes l out of its line and returns the reason.
func (l *lease) abandon(ctx context.Context) error {
	b := l.budget
	b.mu.Lock()
	defer b.unlock()
	now := b.now()
	err := context.Cause(ctx)
	switch {
	case l.node.Queued():
		if err == nil || ctx.Err() == context.DeadlineExceeded {
			at, limit := b.earliestLocked(l.line, now, max(l.line.queue.Len()-1, 0))
			err = l.refusal(now, max(at, l.line.notBefore), limit)
		}
		l.node.Remove()
		b.leaveLocked(l)
	case l.refused != nil:
		return l.refused
	case err != nil:
		// Granted at the very moment at which ctx ended: pretend it was not.
		b.restoreLocked(l)
		b.leaveLocked(l)
		b.turnLocked(now)
	}
	return err
}

// refusal describes why l is not sent: limit, or the gate, or the learned rate,
// would let it pass no sooner than at.
func (l *lease) refusal(now, at time.Duration, holder *limit) error {
	e := &transport.ThrottledError{
		Endpoint: l.claim.Endpoint,
		Reason:   l.why,
		Wait:     max(at-now, 0),
		Bound:    max(l.until-now, 0),
		RetryAt:  time.Now().Add(max(at-now, 0)),
	}
	var by *transport.Limit
	if e.Hold, by = l.line.hold(now, holder); by != nil {
		e.Limit, e.N, e.Window = by.Name, by.N, by.Window
	}
	return e
}

// hold says what holder, or, where that is nil, the gate or the learned rate, is
// to somebody who waits for it.
func (ln *line) hold(now time.Duration, holder *limit) (transport.Hold, *transport.Limit) {
	switch ep := ln.endpoint; {
	case holder != nil:
		return transport.HoldLimit, &holder.Limit
	case ep.gate.Ready(now) && ep.learned(now):
		return transport.HoldRate, &ep.limit
	default:
		return transport.HoldBlock, nil
	}
}

// held notes what l waits for.
func (l *lease) held(now time.Duration) {
	hold, by := l.line.hold(now, l.line.holder(now))
	l.hold, l.heldBy = hold, ""
	if by != nil {
		l.heldBy = by.Name
	}
}

// Waited implements [transport.Lease].
func (l *lease) Waited() time.Duration { return l.sent - l.arrived }

// Held returns what the request waited for, and that limit's name; nothing, where
// it went at once.
func (l *lease) Held() (transport.Hold, string) { return l.hold, l.heldBy }

// Block implements [transport.Lease]. All programs keep to it, from their next
// call to Redis on.
func (l *lease) Block(d time.Duration) {
	b := l.budget
	b.mu.Lock()
	defer b.unlock()
	now := b.now()
	if l.line.endpoint.block(now, d) {
		b.blockedLocked(l.line.endpoint, now)
	}
}

// Settle implements [transport.Lease].
func (l *lease) Settle(o transport.Outcome) {
	b, ep := l.budget, l.line.endpoint
	b.mu.Lock()
	defer b.unlock()
	if l.settled {
		return
	}
	l.settled = true
	now := b.now()
	if o == transport.Unsent {
		b.restoreLocked(l)
	} else {
		for _, lim := range l.line.limits {
			lim.settle(now)
			b.owesLocked(lim)
		}
	}
	switch o {
	case transport.Answered:
		ep.gate.Pass(l.sent)
		if ep.rate != nil {
			ep.rate.Answered(now, l.sent)
		}
	case transport.ThrottledBlind:
		if ep.backOff(now, l.sent) {
			b.blockedLocked(ep, now)
		}
		b.throttledLocked(ep, now, l.sent)
	case transport.Throttled:
		b.throttledLocked(ep, now, l.sent)
	}
	b.leaveLocked(l)
	if o == transport.Answered {
		b.settleByLocked(l.line, now)
	} else {
		b.turnLocked(now)
	}
}

// saturatingAdd keeps a bound of centuries from wrapping into the past.
func saturatingAdd(now, d time.Duration) time.Duration {
	if d > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + d
}
