package transport

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/adapt"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bucket"
	"github.com/clerkthrottle/clerkthrottle-go/internal/gate"
	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
)

// turnstile is the rule of one station: arithmetic with the time as an
// argument, under the budget's lock. gate.Gate, bucket.Window and adapt.Rate
// are the three there are.
type turnstile interface {
	// Ready reports whether one request may pass now.
	Ready(now time.Duration) bool
	// Take lets one pass. Ready(now) has been true.
	Take(now time.Duration)
	// When returns the earliest moment at which a request with ahead others
	// before it can pass.
	When(now time.Duration, ahead int) time.Duration
	// Idle reports whether a new turnstile would behave the same.
	Idle(now time.Duration) bool
}

// station is one place on a request's way: a turnstile, and the line before it.
// Everything in it is guarded by the budget's lock.
type station struct {
	turnstile
	window *bucket.Window // the turnstile, where it is a window
	limit  *Limit         // what it stands for, where it is no gate
	line   queue.Queue[*lease]
	users  int         // leases whose way leads through here; none may be evicted from under them
	timer  *time.Timer // wakes the first of the line
	wakeAt time.Duration
}

// endpoint is what one endpoint has to itself: the gate that a 429 closes and
// the rate learned from 429s.
type endpoint struct {
	name string
	gate gate.Gate
	rate *adapt.Rate // nil: nothing is learned

	gateStation station
	rateStation station
}

// paced makes a turnstile of a learned rate. As long as nothing is learned it
// holds nobody: the endpoint's token bucket, as wide as the documented limit,
// never binds on what the limit's window lets out, but a line before it would
// let requests of other endpoints overtake. Tokens are taken all the same, when
// a request is sent, so that the bucket's level is right once it matters.
type paced struct{ *adapt.Rate }

func (p paced) Ready(now time.Duration) bool {
	if !p.Learned(now) {
		return true
	}
	ok, _ := p.Rate.Ready(now)
	return ok
}

func (p paced) Take(now time.Duration) {
	if p.Learned(now) {
		p.Rate.Take(now)
	}
}

func (p paced) When(now time.Duration, ahead int) time.Duration {
	if !p.Learned(now) {
		return now
	}
	return p.Rate.When(now, ahead)
}

func newEndpoint(c *Claim) *endpoint {
	ep := &endpoint{name: c.Endpoint}
	ep.gateStation.turnstile = &ep.gate
	if c.Rate.N > 0 {
		ep.rate = adapt.New(c.Rate.N, c.Rate.Window)
		ep.rateStation.turnstile = paced{ep.rate}
		ep.rateStation.limit = &c.Rate
	}
	return ep
}

func newWindowStation(l *Limit) *station {
	w := bucket.New(l.N, l.Window)
	return &station{turnstile: &w, window: &w, limit: l}
}

// idle reports whether the station may be forgotten.
func (s *station) idle(now time.Duration) bool {
	return s.turnstile == nil || s.users == 0 && s.Idle(now)
}

func (ep *endpoint) idle(now time.Duration) bool {
	return ep.gateStation.idle(now) && ep.rateStation.idle(now)
}

// hold says what a request waits for at this station.
func (s *station) hold() Hold {
	switch {
	case s.window != nil:
		return HoldLimit
	case s.limit != nil:
		return HoldRate
	default:
		return HoldBlock
	}
}
