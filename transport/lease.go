package transport

import (
	"context"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// lease is one request on its way through a localBudget: first in the lines,
// then under way. Until it is granted it is guarded by the budget's lock; after
// that it belongs to the goroutine that called Acquire.
type lease struct {
	budget   *localBudget
	claim    *Claim
	endpoint *endpoint
	flow     string
	class    int

	way      []*station  // the stations to pass, in order
	stations [4]*station // room for way, so that it costs no allocation
	at       int         // how many of them are passed
	closures int         // how often the gate had closed when l last passed it

	arrived  time.Duration
	until    time.Duration // may wait no longer than this
	why      Reason        // whose bound until is
	sent     time.Duration // when the last station was passed
	holder   *station      // where it stood for the longest
	*waiting               // nil: it never waited

	retry   bool
	paced   bool // took a token of the learned rate
	settled bool
}

// waiting is what a lease needs to wait: most never do.
type waiting struct {
	place   queue.Place[*lease] // in the line of a station
	turn    queue.Node[*lease]  // among all who wait
	stood   time.Duration       // since when it stands in that line
	longest time.Duration       // the longest time that it stood in one
	done    bool                // granted or refused
	granted chan struct{}       // closed when done
	refused error               // set before granted is closed
}

// passBy adds a station to l's way. From then on l uses it: the next station that
// is added to a registry must not push this one out.
func (l *lease) passBy(st *station) {
	st.users++
	l.way = append(l.way, st)
}

// boundOf returns how long a request may wait, and whose bound that is: the
// caller's, or the deadline of its context where that comes first.
func boundOf(ctx context.Context, maxWait time.Duration) (time.Duration, Reason) {
	if deadline, ok := ctx.Deadline(); ok {
		if left := time.Until(deadline); left <= maxWait {
			return left, ReasonDeadline
		}
	}
	return maxWait, ReasonMaxWait
}

// tooLate reports whether a wait until at is longer than l may wait. At the very
// end of its bound a request may still be sent, but not at its deadline.
func (l *lease) tooLate(at time.Duration) bool {
	return at > l.until || at == l.until && l.why == ReasonDeadline
}

// clearLocked reports whether nothing is in l's way: it can pass every station
// now, and nobody stands before one.
func (l *lease) clearLocked(now time.Duration) bool {
	for _, st := range l.way {
		if st.waiting() > 0 || l.class >= st.open(now) {
			return false
		}
	}
	return true
}

// earliestLocked returns the earliest moment at which l can have passed every
// station ahead, as things stand, and the station that decides it: nil where l
// may go at once. Those before l may still give up.
func (l *lease) earliestLocked(now time.Duration) (at time.Duration, holder *station) {
	at = now
	before := 0 // who stands in a line of this endpoint is ahead at what all of it shares, too
	for i, st := range l.way[l.at:] {
		ahead := st.ahead(l.class, l.flow)
		before += ahead
		if st.window == nil || l.at+i == len(l.way)-1 {
			ahead = before
		}
		if t := st.when(now, l.class, ahead); t > at {
			at, holder = t, st
		}
	}
	return at, holder
}

// refusalLocked returns the error of a request that would have to wait longer
// than it may, and nil where it may go on or wait.
func (l *lease) refusalLocked(now time.Duration) error {
	at, holder := l.earliestLocked(now)
	if holder == nil || !l.tooLate(at) {
		return nil
	}
	return l.refusal(holder, now, at)
}

// refusal describes why l is not sent: holder would let it pass no sooner than
// at.
func (l *lease) refusal(holder *station, now, at time.Duration) *ThrottledError {
	e := &ThrottledError{
		Endpoint: l.claim.Endpoint,
		Reason:   l.why,
		Hold:     holder.hold(),
		Wait:     at - now,
		Bound:    max(l.until-now, 0),
		Queue:    holder.waiting(),
		RetryAt:  time.Now().Add(at - now),
	}
	if holder.limit != nil {
		e.Limit, e.N, e.Window = holder.limit.Name, holder.limit.N, holder.limit.Window
	}
	return e
}

// queueFullError describes why l, which waits, gives way: n others do, too.
func (l *lease) queueFullError(now time.Duration, n int) *ThrottledError {
	e := l.refusal(l.way[l.at], now, l.nextLocked(now))
	e.Reason, e.Queue = ReasonQueueFull, n
	return e
}

// nextLocked returns when l, which stands in a line, could pass it if it went to
// the end of its part of it now.
func (l *lease) nextLocked(now time.Duration) time.Duration {
	st := l.way[l.at]
	return st.when(now, l.class, max(0, st.ahead(l.class, l.flow)-1))
}

func (l *lease) closedError() error {
	return &ThrottledError{Endpoint: l.claim.Endpoint, Reason: ReasonClosed}
}

// pass moves l on past the station that it stands before.
func (l *lease) pass(st *station, now time.Duration) {
	st.Take(now)
	switch ep := l.endpoint; {
	case st == &ep.gate:
		l.closures = ep.closures
	case ep.pace != nil && st == &ep.pace.station && ep.pace.rate.Learned(now):
		l.paced = true
	}
	if l.waiting != nil {
		if stood := now - l.stood; stood >= l.longest {
			l.longest, l.holder = stood, st
		}
		l.stood = now
	}
	l.at++
}

// grant lets the waiting goroutine go on: to send, or to return err.
func (l *lease) grant(err error) {
	l.refused, l.done = err, true
	l.turn.Remove()
	close(l.granted)
}

// wait blocks until l is granted, and gives up its place when ctx ends or the
// bound is over.
func (l *lease) wait(ctx context.Context) error {
	bound := time.NewTimer(l.until - l.arrived)
	defer bound.Stop()
	select {
	case <-l.granted:
		return l.refused
	case <-ctx.Done():
	case <-bound.C:
	}
	return l.abandon(ctx)
}

// abandon takes l out of its line and returns the reason.
func (l *lease) abandon(ctx context.Context) error {
	err, late := context.Cause(ctx), ctx.Err() == context.DeadlineExceeded
	b := l.budget
	b.mu.Lock()
	defer b.unlock()
	now := b.now()
	if err == nil && !l.done {
		// The bound is over, and a token that is due at this very moment may
		// not have been noticed yet.
		b.wakeLocked(l.way[l.at])
		b.drainLocked(now)
	}
	switch {
	case !l.done:
		if late {
			l.why = ReasonDeadline
		}
		if late || err == nil {
			err = l.refusal(l.way[l.at], now, l.nextLocked(now))
		}
		b.expelLocked(l, err, now)
	case l.refused != nil:
		return l.refused
	case err != nil:
		// Granted at the very moment at which ctx ended: pretend it was not,
		// and let the next one have what it took.
		b.restoreLocked(l, now)
		b.unsendLocked(l)
		b.refuseLocked(l, err, now)
	}
	b.drainLocked(now)
	return err
}

// stray reports whether the gate that a lease closes holds back nobody who comes
// later, the request's own retry included.
func stray(l Lease) bool {
	local, ok := l.(*lease)
	return ok && local.endpoint.stray
}

// Waited implements [Lease].
func (l *lease) Waited() time.Duration { return l.sent - l.arrived }

// Held returns what the request waited for the longest, and the name of the
// limit, where it was one.
func (l *lease) Held() (Hold, string) {
	switch {
	case l.holder == nil:
		return "", ""
	case l.holder.limit == nil:
		return HoldBlock, ""
	}
	return l.holder.hold(), l.holder.limit.Name
}

// Block implements [Lease].
func (l *lease) Block(d time.Duration) {
	b, ep := l.budget, l.endpoint
	b.mu.Lock()
	defer b.unlock()
	now, before := b.now(), ep.gateRule.Until()
	ep.gateRule.Block(now, d)
	b.closedGateLocked(ep, before, now)
	b.drainLocked(now)
}

// Settle implements [Lease].
func (l *lease) Settle(o Outcome) {
	b, ep := l.budget, l.endpoint
	b.mu.Lock()
	defer b.unlock()
	if l.settled {
		return
	}
	l.settled = true
	now := b.now()
	if o == Unsent {
		b.restoreLocked(l, now)
	} else {
		b.spendLocked(l, now)
	}
	switch o {
	case Answered:
		ep.gateRule.Pass(l.sent)
		if ep.pace != nil {
			ep.pace.rate.Answered(now, l.sent)
		}
	case Ruled:
		b.noteLocked(l, now, tally.Counts{Throttled: 1}, 0)
	case ThrottledBlind:
		before := ep.gateRule.Until()
		ep.gateRule.BackOff(now, l.sent)
		b.closedGateLocked(ep, before, now)
		b.throttledLocked(l, now)
	case Throttled:
		b.throttledLocked(l, now)
	}
	b.leaveLocked(l)
	b.drainLocked(now)
}
