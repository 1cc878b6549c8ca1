package transport

import (
	"context"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
)

// lease is one request on its way through a localBudget: first in the lines,
// then under way. Until it is granted it is guarded by the budget's lock; after
// that it belongs to the goroutine that called Acquire.
type lease struct {
	budget   *localBudget
	claim    *Claim
	endpoint *endpoint

	way      []*station  // the stations to pass, in order
	stations [4]*station // room for way, so that it costs no allocation
	at       int         // how many of them are passed

	arrived time.Duration
	until   time.Duration // may wait no longer than this
	why     Reason        // whose bound until is
	paced   bool          // took a token of the learned rate on the way
	sent    time.Duration // when the last station was passed
	settled bool

	node    queue.Node[*lease]
	granted chan struct{} // closed when it may be sent, or is refused; nil if it never waited
	refused error         // set before granted is closed
}

// place returns the lease's node, ready to stand in a line.
func (l *lease) place() *queue.Node[*lease] {
	l.node.Value = l
	return &l.node
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

// refusalLocked returns the error of a request that would have to wait longer
// than it may, and nil where it may go on or wait. It looks at the earliest
// moment at which every station ahead can be passed, so it is never premature.
func (l *lease) refusalLocked(now time.Duration) error {
	at, holder := now, (*station)(nil)
	before := 0 // who stands in a line of this endpoint is ahead at what all of it shares, too
	for i, st := range l.way[l.at:] {
		ahead := st.line.Len()
		before += ahead
		if st.window == nil || l.at+i == len(l.way)-1 {
			ahead = before
		}
		if t := st.When(now, ahead); t > at {
			at, holder = t, st
		}
	}
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
		RetryAt:  time.Now().Add(at - now),
	}
	if holder.limit != nil {
		e.Limit, e.N, e.Window = holder.limit.Name, holder.limit.N, holder.limit.Window
	}
	return e
}

func (l *lease) closedError() error {
	return &ThrottledError{Endpoint: l.claim.Endpoint, Reason: ReasonClosed}
}

// pass moves l on past the station that it stands before.
func (l *lease) pass(st *station, now time.Duration) {
	st.Take(now)
	l.paced = l.paced || st == &l.endpoint.rateStation && l.endpoint.rate.Learned(now)
	l.at++
}

// send notes that l is sent now.
func (l *lease) send(now time.Duration) {
	l.sent = now
	if rate := l.endpoint.rate; rate != nil && !l.paced {
		rate.Take(now)
	}
}

// grant lets the waiting goroutine go on: to send, or to return err.
func (l *lease) grant(err error) {
	l.refused = err
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
	defer b.mu.Unlock()
	now := b.now()
	if err == nil && l.node.Queued() {
		// The bound is over, and a token that is due at this very moment may
		// not have been noticed yet.
		b.wakeLocked(l.way[l.at])
		b.drainLocked(now)
	}
	switch {
	case l.node.Queued():
		if late {
			l.why = ReasonDeadline
		}
		if late || err == nil {
			st := l.way[l.at]
			err = l.refusal(st, now, st.When(now, st.line.Len()-1))
		}
		b.expelLocked(l, err)
	case l.refused != nil:
		return l.refused
	case err != nil:
		// Granted at the very moment at which ctx ended: pretend it was not,
		// and let the next one have what it took.
		b.restoreLocked(l)
		b.leaveLocked(l)
	}
	b.drainLocked(now)
	return err
}

// Waited implements [Lease].
func (l *lease) Waited() time.Duration { return l.sent - l.arrived }

// Block implements [Lease]. Those who wait at the gate and may not wait until
// its new end are told so at once.
func (l *lease) Block(d time.Duration) {
	b, ep := l.budget, l.endpoint
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	ep.gate.Block(now, d)
	b.closeGateLocked(ep, now)
}

// Settle implements [Lease].
func (l *lease) Settle(o Outcome) {
	b, ep := l.budget, l.endpoint
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.settled {
		return
	}
	l.settled = true
	now := b.now()
	if o == Unsent {
		b.restoreLocked(l)
	} else {
		b.spendLocked(l, now)
	}
	switch o {
	case Answered:
		ep.gate.Pass(l.sent)
		if ep.rate != nil {
			ep.rate.Answered(now, l.sent)
		}
	case ThrottledBlind:
		ep.gate.BackOff(now, l.sent)
		b.closeGateLocked(ep, now)
		fallthrough
	case Throttled:
		if ep.rate != nil {
			ep.rate.Throttled(now, l.sent, ep.gate.Until())
			b.wakeLocked(&ep.rateStation) // the rate changed, and with it the time to wake
		}
	}
	b.leaveLocked(l)
	b.drainLocked(now)
}
