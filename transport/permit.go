package transport

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// permit is one request as the scheduler sees it: passing stations, waiting in a
// station's line, or in flight. The scheduler's lock guards it until it is granted;
// then it belongs to the goroutine that called acquire.
//
// It is most of what a request allocates, so it is laid out to be small.
type permit struct {
	*route
	terms      *terms
	arrived    time.Duration
	until      time.Duration // end of its maximum wait
	sent       time.Duration // when it passed the last station
	*waiting                 // nil: it never waited
	gateEpoch  int32         // endpoint.gateEpoch when p last passed the gate
	passed     int8          // how many stations it has passed
	byDeadline bool          // until is the deadline of the request's context
	paced      bool          // holds a token of the learned rate
	settled    bool

	// The attempt, once p is sent.
	bounded   bool         // Config.AnswerTimeout applies: it ends before ctx's deadline
	state     atomic.Int32 // inFlight, over, or ended
	transport *Transport
	out       http.Request                 // what the base gets
	ctx       context.Context              // the caller's
	watch     atomic.Pointer[watch]        // nil: nobody watches for its end
	trace     atomic.Pointer[attemptTrace] // nil: nobody has asked for a trace
	resent    atomic.Pointer[permit]       // for the last time the base resent the request
}

// waiting is the state of a permit that has to wait: most never do.
type waiting struct {
	place    queue.Place[*permit] // in a station's line
	turn     queue.Node[*permit]  // in scheduler.waiters
	queuedAt time.Duration        // when it joined that line
	longest  time.Duration        // its longest wait in one line
	holder   *station             // where that was
	reports  int                  // fleet.reports when it joined that line
	late     bool                 // past its bound, but the exchange in flight may still grant it
	done     bool                 // granted or refused
	granted  chan struct{}        // closed when done
	refused  error                // set before granted is closed
}

// class returns p's class in a line.
func (p *permit) class() int { return p.terms.priority.class() }

// waitBound returns how long a request may wait: maxWait, or until its context's
// deadline if that comes first.
func waitBound(ctx context.Context, maxWait time.Duration) (bound time.Duration, deadline bool) {
	if at, ok := ctx.Deadline(); ok {
		if left := time.Until(at); left <= maxWait {
			return left, true
		}
	}
	return maxWait, false
}

// tooLate reports whether p may not wait until at. A request may still be sent at
// the very end of its maximum wait, but not at its deadline.
func (p *permit) tooLate(at time.Duration) bool {
	return at > p.until || at == p.until && p.byDeadline
}

// canPassAllLocked reports whether p can pass every station now, ahead of no waiter.
func (p *permit) canPassAllLocked(now time.Duration) bool {
	for _, st := range p.stations {
		if st.waiting() > 0 || p.class() >= st.openClasses(now) {
			return false
		}
	}
	return true
}

// earliestLocked estimates when p will have passed all remaining stations, and
// returns the station that decides it, nil if p can go now. It is sooner if waiters
// ahead give up.
func (p *permit) earliestLocked(now time.Duration) (at time.Duration, holder *station) {
	at = now
	before := 0 // waiters at the endpoint's own stations are also ahead of p at the shared limit
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

// whenLocked estimates when p will pass a station with ahead waiters before it.
func (p *permit) whenLocked(st *station, now time.Duration, ahead int) time.Duration {
	return st.when(now, p.class(), ahead, p.endpoint.latency)
}

// refusalLocked returns an error if p would have to wait longer than it may.
func (p *permit) refusalLocked(now time.Duration) error {
	at, holder := p.earliestLocked(now)
	if holder == nil || !p.tooLate(at) {
		return nil
	}
	return p.refusal(holder, now, at)
}

// refusal returns the error for a p that holder would not let pass before at.
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

// queueFullError returns the error for a waiting p that is dropped from a full
// queue: n others wait.
func (p *permit) queueFullError(now time.Duration, n int) *ThrottledError {
	e := p.lateError(now)
	e.Reason, e.Queue = ReasonQueueFull, n
	return e
}

// lateError returns the error for a waiting p that leaves its line. It says when a
// newcomer of p's class and flow would pass, without p.
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

// pass moves p past its next station, st.
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

// grant wakes the waiting goroutine, to send or to return err.
func (p *permit) grant(err error) {
	p.refused, p.done = err, true
	p.turn.Remove()
	close(p.granted)
}

// wait blocks until p is granted or refused. It gives up p's place when ctx ends or
// its maximum wait is over.
func (p *permit) wait(ctx context.Context) error {
	bound := time.NewTimer(max(p.until-p.arrived, 1))
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

// abandon takes p out of its line and returns the reason. It reports late instead if
// p should wait on for the exchange in flight.
func (p *permit) abandon(ctx context.Context) (err error, late bool) {
	err, expired := context.Cause(ctx), ctx.Err() == context.DeadlineExceeded
	s := p.scheduler
	s.lock()
	defer s.unlock()
	now := s.now()
	if err == nil && !p.done {
		// The maximum wait is over, but a token that is due right now may not have
		// been handed out yet.
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
		// Granted just as ctx ended: undo the grant, so that the next waiter gets
		// the tokens.
		s.restoreLocked(p, now)
		s.unsendLocked(p)
		s.refuseLocked(p, err, now)
	}
	s.drainLocked(now)
	return err, false
}

// last returns the permit of the last time the base sent the request.
func (p *permit) last() *permit {
	if again := p.resent.Load(); again != nil {
		return again
	}
	return p
}

// left returns how much longer the request may still wait, now that p is sent.
func (p *permit) left() time.Duration { return max(p.until-p.sent, 0) }

// Waited returns how long the request waited.
func (p *permit) Waited() time.Duration { return p.sent - p.arrived }

// WaitedFor returns what the request waited for longest, and the limit's name if it
// was a limit or its learned rate.
func (p *permit) WaitedFor() (Hold, string) {
	switch {
	case p.waiting == nil || p.holder == nil:
		return "", ""
	case p.holder.limit == nil:
		return HoldBlock, ""
	}
	return p.holder.hold(), p.holder.limit.Name
}

// Block closes the endpoint's gate for at least d from now. It is called as soon as
// a 429 with a Retry-After arrives.
func (p *permit) Block(d time.Duration) {
	s, ep := p.scheduler, p.endpoint
	s.lock()
	defer s.unlock()
	now, before := s.now(), ep.block.Until()
	ep.block.Block(now, p.sent, d)
	s.blockMovedLocked(ep, before, now)
	s.drainLocked(now)
}

// Settle reports the request's outcome and gives back its tokens. Only the first call
// has an effect.
func (p *permit) Settle(o outcome) {
	s := p.scheduler
	s.lock()
	defer s.unlock()
	if p.settled {
		return
	}
	p.settled = true
	now := s.now()
	s.settleLocked(p, o, now)
	s.drainLocked(now)
}

// overdrawn reports whether one of p's limits is exceeded, as can happen in a dry run.
func (p *permit) overdrawn(now time.Duration) bool {
	for _, st := range p.stations {
		if st.window != nil && st.window.Free(now) < 0 {
			return true
		}
	}
	return false
}

// sendCounts returns what p adds to the counts, now that it is sent.
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
