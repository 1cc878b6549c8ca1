package transport

import (
	"context"
	"iter"
	"math"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/registry"
)

// localBudget keeps the counts in this process.
//
// A request passes a row of stations: the endpoint's gate, its own limits, the
// rate learned for the endpoint, and last the limit that most requests share.
// Each station has a line of its own, first come first served, so nobody waits
// behind a request that is held up by something that does not concern him.
// Whoever has passed them all checks the gate once more, since it may have
// closed meanwhile; if so, he gives back what he took and starts again.
//
// Waking up is exact: a station has one timer, set to the moment at which the
// first of its line can pass, and every answer that frees a token looks at the
// line itself. There is no polling and no goroutine of its own.
type localBudget struct {
	epoch time.Time // now() counts from here, on the monotonic clock

	mu        sync.Mutex
	endpoints registry.Registry[*endpoint]
	windows   registry.Registry[*station]
	woken     []*station // freed by what is going on; drained before unlocking
	closed    bool
}

// NewLocalBudget returns a [Budget] that is kept in this process.
func NewLocalBudget() Budget { return newLocalBudget() }

func newLocalBudget() *localBudget {
	return &localBudget{
		epoch:     time.Now(),
		endpoints: registry.New((*endpoint).idle),
		windows:   registry.New((*station).idle),
	}
}

func (b *localBudget) now() time.Duration { return time.Since(b.epoch) }

// Acquire implements [Budget].
func (b *localBudget) Acquire(ctx context.Context, c *Claim, maxWait time.Duration) (Lease, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	l := &lease{budget: b, claim: c}
	bound, why := boundOf(ctx, maxWait)
	b.mu.Lock()
	now := b.now()
	if b.closed {
		b.mu.Unlock()
		return nil, l.closedError()
	}
	l.arrived, l.until, l.why = now, saturatingAdd(now, bound), why
	b.routeLocked(l, now)
	if err := l.refusalLocked(now); err != nil {
		b.leaveLocked(l)
		b.mu.Unlock()
		return nil, err
	}
	if b.advanceLocked(l, now) {
		b.mu.Unlock()
		return l, nil
	}
	l.granted = make(chan struct{})
	b.mu.Unlock()
	if err := l.wait(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// routeLocked lays the lease's way through the stations that its claim names.
func (b *localBudget) routeLocked(l *lease, now time.Duration) {
	c := l.claim
	ep, ok := b.endpoints.Get(c.Key)
	if !ok {
		ep = newEndpoint(c)
		b.endpoints.Add(c.Key, ep, now)
	}
	l.endpoint = ep
	l.way = l.stations[:0]
	l.passBy(&ep.gateStation)
	for i := range c.Limits {
		if i == len(c.Limits)-1 && ep.rate != nil {
			l.passBy(&ep.rateStation)
		}
		st, ok := b.windows.Get(c.Limits[i].Key)
		if !ok {
			st = newWindowStation(&c.Limits[i])
			b.windows.Add(c.Limits[i].Key, st, now)
		}
		l.passBy(st)
	}
}

// advanceLocked moves l on, from the station it stands before, as far as it
// gets now, and reports whether it may be sent. Otherwise it stands in a line,
// or is refused, if it waited already and now sees that it would wait too long.
func (b *localBudget) advanceLocked(l *lease, now time.Duration) bool {
	for {
		for l.at < len(l.way) {
			st := l.way[l.at]
			if st.line.Len() > 0 || !st.Ready(now) {
				st.line.Push(l.place())
				b.armLocked(st, now)
				return false
			}
			l.pass(st, now)
		}
		if l.endpoint.gate.Ready(now) {
			l.send(now)
			return true
		}
		// The gate closed while l was on its way. Whoever passes the gate
		// again finds it open or waits there, so this ends.
		b.restoreLocked(l)
		l.at, l.paced = 0, false
		if err := l.refusalLocked(now); err != nil {
			b.leaveLocked(l)
			l.grant(err)
			return false
		}
	}
}

// restoreLocked gives back, unspent, every token that l took so far.
func (b *localBudget) restoreLocked(l *lease) {
	for _, st := range l.way[:l.at] {
		if st.window != nil {
			st.window.Cancel()
			b.wakeLocked(st)
		}
	}
}

// spendLocked counts the tokens of a request whose answer, or failure, is in.
func (b *localBudget) spendLocked(l *lease, now time.Duration) {
	for _, st := range l.way {
		if st.window != nil {
			st.window.Settle(now)
			b.wakeLocked(st)
		}
	}
}

// closeGateLocked is called when an endpoint's gate has closed or stays closed
// for longer: those who wait at it and may not wait until its end are told at
// once.
func (b *localBudget) closeGateLocked(ep *endpoint, now time.Duration) {
	st := &ep.gateStation
	for node := st.line.Front(); node != nil; {
		l := node.Value
		node = node.Next()
		if at := ep.gate.Until(); l.tooLate(at) {
			b.expelLocked(l, l.refusal(st, now, at))
		}
	}
	b.armLocked(st, now)
	b.drainLocked(now)
}

// wakeLocked notes that a token came free at a station.
func (b *localBudget) wakeLocked(st *station) {
	if st.line.Len() > 0 {
		b.woken = append(b.woken, st)
	}
}

// drainLocked lets pass whoever can at the stations that were woken. Those who
// pass may wake others, which are served in turn.
func (b *localBudget) drainLocked(now time.Duration) {
	for len(b.woken) > 0 {
		st := b.woken[len(b.woken)-1]
		b.woken = b.woken[:len(b.woken)-1]
		for st.line.Len() > 0 && st.Ready(now) {
			l := st.line.Front().Value
			l.node.Remove()
			l.pass(st, now)
			if b.advanceLocked(l, now) {
				l.grant(nil)
			}
		}
		b.armLocked(st, now)
	}
}

// armLocked sets the station's timer to the moment at which the first of its
// line can pass.
func (b *localBudget) armLocked(st *station, now time.Duration) {
	if st.line.Len() == 0 {
		if st.wakeAt != 0 {
			st.timer.Stop()
			st.wakeAt = 0
		}
		return
	}
	at := st.When(now, 0)
	if at == st.wakeAt {
		return
	}
	st.wakeAt = at
	if st.timer == nil {
		st.timer = time.AfterFunc(at-now, func() { b.wake(st) })
		return
	}
	st.timer.Reset(at - now)
}

// wake is what a station's timer does. One that comes late, for a line that has
// moved on since, finds nobody ready and sets itself anew.
func (b *localBudget) wake(st *station) {
	b.mu.Lock()
	defer b.mu.Unlock()
	st.wakeAt = 0
	b.wakeLocked(st)
	b.drainLocked(b.now())
}

// leaveLocked takes a lease off its stations for good.
func (b *localBudget) leaveLocked(l *lease) {
	for _, st := range l.way {
		st.users--
	}
	l.way = l.way[:0]
}

// expelLocked takes a lease that waits out of its line, as if it had never
// come, and tells it why.
func (b *localBudget) expelLocked(l *lease, err error) {
	st := l.way[l.at]
	l.node.Remove()
	b.restoreLocked(l)
	b.leaveLocked(l)
	l.grant(err)
	b.woken = append(b.woken, st) // its timer may have been set for l
}

// Close implements [Budget].
func (b *localBudget) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for st := range b.stationsLocked() {
		for st.line.Len() > 0 {
			l := st.line.Front().Value
			b.expelLocked(l, l.closedError())
		}
	}
	b.drainLocked(b.now())
	return nil
}

// stationsLocked yields every station that there is.
func (b *localBudget) stationsLocked() iter.Seq[*station] {
	return func(yield func(*station) bool) {
		for _, ep := range b.endpoints.All() {
			if !yield(&ep.gateStation) || ep.rate != nil && !yield(&ep.rateStation) {
				return
			}
		}
		for _, st := range b.windows.All() {
			if !yield(st) {
				return
			}
		}
	}
}

// saturatingAdd keeps a bound of centuries from wrapping into the past.
func saturatingAdd(now, d time.Duration) time.Duration {
	if d > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + d
}
