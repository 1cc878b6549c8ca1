package transport

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
	"github.com/clerkthrottle/clerkthrottle-go/internal/registry"
	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// localBudget keeps the counts in this process.
//
// A request passes a row of stations: the endpoint's gate, its own limits, the
// rate learned for the endpoint, and last the limit that most requests share.
// Each station has a line of its own, so nobody waits behind a request that is
// held up by something that does not concern him. Whoever has passed them all
// looks at the gate once more: if it has closed meanwhile, even if it is open
// again, he gives back what he took and starts anew, now by the learned rate.
//
// Waking up is exact: a station has one timer, set to the moment at which the
// first of its line can pass, and every answer that frees a token looks at the
// line itself. There is no polling and no goroutine of its own.
type localBudget struct {
	cfg   LocalConfig
	epoch time.Time // now() counts from here, on the monotonic clock

	mu        sync.Mutex
	endpoints registry.Registry[*endpoint]
	windows   registry.Registry[*station]
	waiters   [queue.Classes]queue.Queue[*lease] // all who wait, by class, in order of arrival
	woken     []*station                         // freed by what is going on; drained before unlocking
	history   tally.History
	observers []*Observer
	events    []func() // for the observers; told after unlocking
	closed    bool
}

func (b *localBudget) now() time.Duration { return time.Since(b.epoch) }

// unlock tells the observers what happened under the lock.
func (b *localBudget) unlock() {
	events := b.events
	b.events = nil
	b.mu.Unlock()
	for _, tell := range events {
		tell()
	}
}

// Acquire implements [Budget].
func (b *localBudget) Acquire(ctx context.Context, c *Claim, maxWait time.Duration) (Lease, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	terms := termsOf(ctx)
	l := &lease{budget: b, claim: c, class: terms.priority.class(), flow: terms.flow, retry: terms.attempt > 0}
	bound, why := boundOf(ctx, maxWait)
	b.mu.Lock()
	wait, err := b.enterLocked(l, bound, why)
	b.unlock()
	switch {
	case err != nil:
		return nil, err
	case wait:
		if err := l.wait(ctx); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// enterLocked takes a new lease as far as it gets, and reports whether it has to
// wait.
func (b *localBudget) enterLocked(l *lease, bound time.Duration, why Reason) (wait bool, err error) {
	now := b.now()
	if b.closed {
		return false, l.closedError()
	}
	l.arrived, l.until, l.why = now, saturatingAdd(now, bound), why
	b.routeLocked(l, now, true)
	if b.cfg.DryRun {
		b.passLocked(l, now)
		return false, nil
	}
	if l.clearLocked(now) { // the usual case
		for _, st := range l.way {
			l.pass(st, now)
		}
		b.sendLocked(l, now)
		return false, nil
	}
	if err := l.refusalLocked(now); err != nil {
		b.refuseLocked(l, err, now)
		return false, err
	}
	if b.advanceLocked(l, now) {
		return false, nil
	}
	b.waiters[l.class].Push(&l.turn)
	b.drainLocked(now) // a better class goes past those who wait
	if !l.done {
		b.boundLocked(l, now)
	}
	return !l.done || l.refused != nil, nil
}

// routeLocked lays the lease's way through the stations that its claim names.
// Those that are new are kept, or serve this lease alone.
func (b *localBudget) routeLocked(l *lease, now time.Duration, keep bool) {
	c := l.claim
	l.endpoint = b.endpointLocked(c, now, keep)
	l.way = l.stations[:0]
	l.passBy(&l.endpoint.gate)
	for i := range c.Limits {
		last := i == len(c.Limits)-1
		if last && l.endpoint.pace != nil {
			l.passBy(&l.endpoint.pace.station)
		}
		l.passBy(b.windowLocked(&c.Limits[i], last, now, keep))
	}
	if len(c.Limits) == 0 && l.endpoint.pace != nil {
		l.passBy(&l.endpoint.pace.station)
	}
}

// endpointLocked returns the claim's endpoint. One that is private and finds no
// room is not kept.
func (b *localBudget) endpointLocked(c *Claim, now time.Duration, keep bool) *endpoint {
	if ep, ok := b.endpoints.Get(c.Key); ok {
		b.forgottenLocked(ep, now)
		return ep
	}
	ep := newEndpoint(c)
	switch {
	case !keep:
	case ep.private:
		ep.stray = !b.endpoints.AddWithin(b.cfg.MaxKeys, c.Key, ep, now)
	default:
		b.endpoints.Add(c.Key, ep, now)
	}
	return ep
}

// windowLocked returns the bucket of a limit, and shared whether it is the one
// that most requests share. A private one that finds no room is not kept, and
// guards nothing.
func (b *localBudget) windowLocked(l *Limit, shared bool, now time.Duration, keep bool) *station {
	if st, ok := b.windows.Get(l.Key); ok {
		return st
	}
	var reserved *held
	if shared && !l.Private {
		reserved = b.cfg.heldOf(l)
	}
	st := newWindowStation(l, reserved)
	switch {
	case !keep:
	case l.Private:
		b.windows.AddWithin(b.cfg.MaxKeys, l.Key, st, now)
	default:
		b.windows.Add(l.Key, st, now)
	}
	return st
}

// boundLocked keeps the queue within its bound, after l came to stand in it: the
// newcomer of the lowest class goes.
func (b *localBudget) boundLocked(l *lease, now time.Duration) {
	n := 0
	for i := range b.waiters {
		n += b.waiters[i].Len()
	}
	if b.cfg.MaxQueue <= 0 || n <= b.cfg.MaxQueue {
		return
	}
	for class := queue.Classes - 1; class >= 0; class-- {
		if back := b.waiters[class].Back(); back != nil {
			victim := back.Value
			b.expelLocked(victim, victim.queueFullError(now, n-1), now)
			break
		}
	}
	b.drainLocked(now)
}

// leaveLocked takes a lease off its stations for good.
func (b *localBudget) leaveLocked(l *lease) {
	for _, st := range l.way {
		st.users--
	}
	l.way = l.way[:0]
}

// refuseLocked takes off its stations a lease that is not sent, because it is
// refused or because its caller gave up.
func (b *localBudget) refuseLocked(l *lease, err error, now time.Duration) {
	if refusal := (*ThrottledError)(nil); errors.As(err, &refusal) {
		b.noteLocked(l, now, tally.Counts{Refused: 1}, 0)
	}
	b.leaveLocked(l)
}

// expelLocked takes a lease that waits out of its line, as if it had never
// come, and tells it why.
func (b *localBudget) expelLocked(l *lease, err error, now time.Duration) {
	st := l.way[l.at]
	st.leave(l)
	b.restoreLocked(l, now)
	b.refuseLocked(l, err, now)
	l.grant(err)
	b.woken = append(b.woken, st) // its timer may have been set for l
}

// Close implements [Budget].
func (b *localBudget) Close() error {
	b.mu.Lock()
	defer b.unlock()
	b.closed = true
	now := b.now()
	for class := range b.waiters {
		for n := b.waiters[class].Front(); n != nil; n = b.waiters[class].Front() {
			b.expelLocked(n.Value, n.Value.closedError(), now)
		}
	}
	b.drainLocked(now)
	for _, ep := range b.endpoints.All() {
		if ep.noted != nil && ep.noted.reopen != nil {
			ep.noted.reopen.Stop()
		}
	}
	return nil
}

// saturatingAdd keeps a bound of centuries from wrapping into the past.
func saturatingAdd(now, d time.Duration) time.Duration {
	if d > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + d
}
