package transport

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// permit is one request in the hands of the scheduler: on its way through the
// stations, waiting in the line of one, and under way to the server. Until it is
// granted it is guarded by the scheduler's lock; after that it belongs to the
// goroutine that called acquire.
//
// It is most of what a request allocates, and so it is kept small.
type permit struct {
	*route
	terms      *terms
	arrived    time.Duration
	until      time.Duration // may wait no longer than this
	sent       time.Duration // when the last station was passed
	*waiting                 // nil: it never waited
	gateEpoch  int32         // how often the gate had closed when p last passed it
	passed     int8          // how many stations are passed
	byDeadline bool          // until is the deadline of the request's context
	paced      bool          // took a token of the learned rate
	settled    bool

	// Of the attempt that this is once it is sent.
	bounded   bool         // the throttle's own bound on the wait for an answer holds
	state     atomic.Int32 // underWay, over, or ended
	transport *Transport
	out       http.Request                 // what the base gets
	ctx       context.Context              // the caller's
	watch     atomic.Pointer[watch]        // nil: nobody has asked for its end
	trace     atomic.Pointer[attemptTrace] // nil: nobody has asked for its trace
	resent    atomic.Pointer[permit]       // what the base sent the request again with, the last time
}

// waiting is what a permit needs to wait: most never do.
type waiting struct {
	place    queue.Place[*permit] // in the line of a station
	turn     queue.Node[*permit]  // among all who wait
	queuedAt time.Duration        // since when it stands in that line
	longest  time.Duration        // the longest time that it stood in one
	holder   *station             // which that was
	reports  int                  // how many of the fleet there had been when it came to stand there
	late     bool                 // its bound is over, but it may have the exchange under way
	done     bool                 // granted or refused
	granted  chan struct{}        // closed when done
	refused  error                // set before granted is closed
}

// class is p's in a line.
func (p *permit) class() int { return p.terms.priority.class() }

// boundOf returns how long a request may wait: as long as its caller says, or until
// the deadline of its context where that comes first.
func waitBound(ctx context.Context, maxWait time.Duration) (bound time.Duration, deadline bool) {
	if at, ok := ctx.Deadline(); ok {
		if left := time.Until(at); left <= maxWait {
			return left, true
		}
	}
	return maxWait, false
}

// tooLate reports whether a wait until at is longer than p may wait. At the very
// end of its bound a request may still be sent, but not at its deadline.
func (p *permit) tooLate(at time.Duration) bool {
	return at > p.until || at == p.until && p.byDeadline
}

// clearLocked reports whether nothing is in p's way: it can pass every station
// now, and nobody stands before one.
func (p *permit) canPassAllLocked(now time.Duration) bool {
	for _, st := range p.stations {
		if st.waiting() > 0 || p.class() >= st.openClasses(now) {
			return false
		}
	}
	return true
}

// earliestLocked returns the moment at which p can be expected to have passed every
// station ahead, as things stand, and the station that decides it: nil where p may
// go at once. Those before p may still give up.
func (p *permit) earliestLocked(now time.Duration) (at time.Duration, holder *station) {
	at = now
	before := 0 // who waits for this endpoint's own stations is ahead at the shared limit, too
	for i, st := range p.stations[p.passed:] {
		ahead := st.ahead(p.class(), p.terms.flow)
		before += ahead
		if st.window == nil || int(p.passed)+i == len(p.stations)-1 {
			ahead = before
		}
		if t := p.whenLocked(st, now, ahead); t > at {
			at, holder = t, st
		}
	}
	return at, holder
}

// whenLocked returns when p can be expected to pass a station with so many ahead.
func (p *permit) whenLocked(st *station, now time.Duration, ahead int) time.Duration {
	return st.when(now, p.class(), ahead, p.endpoint.latency)
}

// refusalLocked returns the error of a request that would have to wait longer
// than it may, and nil where it may go on or wait.
func (p *permit) refusalLocked(now time.Duration) error {
	at, holder := p.earliestLocked(now)
	if holder == nil || !p.tooLate(at) {
		return nil
	}
	return p.refusal(holder, now, at)
}

// refusal describes why p is not sent: holder would let it pass no sooner than
// at.
func (p *permit) refusal(holder *station, now, at time.Duration) *ThrottledError {
	e := &ThrottledError{
		Endpoint: p.claim.Endpoint,
		Priority: p.priority(),
		Reason:   ReasonMaxWait,
		Hold:     holder.hold(),
		Wait:     at - now,
		Bound:    max(p.until-now, 0),
		Queue:    holder.waiting(),
		RetryAt:  time.Now().Add(at - now),
	}
	if p.byDeadline {
		e.Reason = ReasonDeadline
	}
	if holder.limit != nil {
		e.Limit, e.N, e.Window = holder.limit.Name, holder.limit.N, holder.limit.Window
	}
	return e
}

// queueFullError describes why p, which waits, gives way: n others do, too.
func (p *permit) queueFullError(now time.Duration, n int) *ThrottledError {
	e := p.lateError(now)
	e.Reason, e.Queue = ReasonQueueFull, n
	return e
}

// lateError describes why p, which stands in a line, leaves it: it could pass no
// sooner than from the end of its part of the line.
func (p *permit) lateError(now time.Duration) *ThrottledError {
	st := p.stations[p.passed]
	at := p.whenLocked(st, now, max(0, st.ahead(p.class(), p.terms.flow)-1))
	if st.share != nil {
		at = max(at, st.share.fleet.soonest(now))
	}
	return p.refusal(st, now, at)
}

func (p *permit) closedError() error {
	return &ThrottledError{Endpoint: p.claim.Endpoint, Priority: p.priority(), Reason: ReasonClosed}
}

func (p *permit) unavailableError(err error) error {
	return &ThrottledError{Endpoint: p.claim.Endpoint, Priority: p.priority(), Reason: ReasonUnavailable, Err: err}
}

func (p *permit) priority() Priority { return Interactive - Priority(p.class()) }

// pass moves p on past the station that it stands before.
func (p *permit) pass(st *station, now time.Duration) {
	st.take(now, p.class())
	switch ep := p.endpoint; st {
	case &ep.gate:
		p.gateEpoch = ep.gateEpoch
	case ep.rate:
		p.paced = st.rate.Learned(now)
	}
	if p.waiting != nil {
		if stood := now - p.queuedAt; stood >= p.longest {
			p.longest, p.holder = stood, st
		}
		p.queuedAt = now
	}
	p.passed++
}

// grant lets the waiting goroutine go on: to send, or to return err.
func (p *permit) grant(err error) {
	p.refused, p.done = err, true
	p.turn.Remove()
	close(p.granted)
}

// wait blocks until p is granted, and gives up its place when ctx ends or the
// bound is over.
func (p *permit) wait(ctx context.Context) error {
	bound := time.NewTimer(p.until - p.arrived)
	defer bound.Stop()
	for {
		select {
		case <-p.granted:
			return p.refused
		case <-ctx.Done():
		case <-bound.C:
		}
		if err, late := p.abandon(ctx); !late {
			return err
		}
	}
}

// abandon takes p out of its line and returns the reason, or says that p is late
// but may wait for the exchange that is under way.
func (p *permit) abandon(ctx context.Context) (err error, late bool) {
	err, expired := context.Cause(ctx), ctx.Err() == context.DeadlineExceeded
	s := p.scheduler
	s.mu.Lock()
	defer s.unlock()
	now := s.now()
	if err == nil && !p.done {
		// The bound is over, and a token that is due at this very moment may
		// not have been noticed yet.
		s.wakeLocked(p.stations[p.passed])
		s.drainLocked(now)
	}
	switch {
	case !p.done && err == nil && s.fleet.deciding(p.stations[p.passed]):
		p.late = true
		return nil, true
	case !p.done:
		p.byDeadline = p.byDeadline || expired
		if expired || err == nil {
			err = p.lateError(now)
		}
		s.expelLocked(p, err, now)
	case p.refused != nil:
		return p.refused, false
	case err != nil:
		// Granted at the very moment at which ctx ended: pretend it was not,
		// and let the next one have what it took.
		s.restoreLocked(p, now)
		s.unsendLocked(p)
		s.refuseLocked(p, err, now)
	}
	s.drainLocked(now)
	return err, false
}

// last returns the permit with which the base sent the request the last time.
func (p *permit) last() *permit {
	if again := p.resent.Load(); again != nil {
		return again
	}
	return p
}

// left returns how much longer the request may wait, after p.
func (p *permit) left() time.Duration { return max(p.until-p.sent, 0) }

// Waited returns how long the request was held back.
func (p *permit) Waited() time.Duration { return p.sent - p.arrived }

// WaitedFor returns what the request waited for the longest, and the name of the
// limit, where it was one.
func (p *permit) WaitedFor() (Hold, string) {
	switch {
	case p.waiting == nil || p.holder == nil:
		return "", ""
	case p.holder.limit == nil:
		return HoldBlock, ""
	}
	return p.holder.hold(), p.holder.limit.Name
}

// Block closes the endpoint's gate for at least d, from now on, for everybody. It
// is called as soon as a 429 with a Retry-After is seen.
func (p *permit) Block(d time.Duration) {
	s, ep := p.scheduler, p.endpoint
	s.mu.Lock()
	defer s.unlock()
	now, before := s.now(), ep.block.Until()
	ep.block.Block(now, p.sent, d)
	s.blockMovedLocked(ep, before, now)
	s.drainLocked(now)
}

// Settle tells what became of the request, and gives back what it held. The first
// call counts.
func (p *permit) Settle(o outcome) {
	s := p.scheduler
	s.mu.Lock()
	defer s.unlock()
	if p.settled {
		return
	}
	p.settled = true
	now := s.now()
	s.settleLocked(p, o, now)
	s.drainLocked(now)
}

// overdrawn reports whether a limit of p's is exceeded, as it may be in a dry run.
func (p *permit) overdrawn(now time.Duration) bool {
	for _, st := range p.stations {
		if st.window != nil && st.window.Free(now) < 0 {
			return true
		}
	}
	return false
}

// sending returns what counts of a request that is sent.
func (p *permit) sendCounts() (c tally.Counts, wait time.Duration) {
	c, wait = tally.Counts{Sent: 1}, p.Waited()
	if p.terms.attempt > 0 {
		c.Retried = 1
	}
	if wait > 0 {
		c.Waited = 1
	}
	return c, wait
}
