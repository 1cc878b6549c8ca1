package transport

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/adapt"
	"github.com/clerkthrottle/clerkthrottle-go/internal/gate"
	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// endpoint is what one endpoint has to itself: the gate that a 429 closes, and
// the rate learned from 429s.
type endpoint struct {
	name, key string
	gate      station
	gateRule  gate.Gate
	private   bool         // there may be very many like it
	stray     bool         // it found no room: its gate holds back nobody who comes later
	slowed    bool         // a rate was learned, and it is not known that it was forgotten
	closures  int          // how often the gate closed
	pace      *paceStation // nil: nothing is learned
	sent      int64
	noted     *noted // nil: nothing has happened but sending
}

// paceStation is the station of a learned rate.
type paceStation struct {
	station
	rate *adapt.Rate
}

// noted is what is counted of an endpoint, once there is something to count.
type noted struct {
	tally.Counts // but Sent
	waits        tally.Histogram
	reopen       *time.Timer   // tells the observers that the gate is open again
	told         time.Duration // the end of the block that they were told of last
}

func newEndpoint(c *Claim) *endpoint {
	ep := &endpoint{name: c.Endpoint, key: c.Key, private: c.private()}
	ep.gate.turnstile = &ep.gateRule
	if c.Rate.N > 0 {
		rate := adapt.New(c.Rate.N, c.Rate.Window)
		ep.pace = &paceStation{station: station{turnstile: pace{rate}, limit: &c.Rate}, rate: rate}
	}
	return ep
}

// idle reports whether the endpoint may be forgotten.
func (ep *endpoint) idle(now time.Duration) bool {
	return ep.gate.idle(now) && (ep.pace == nil || ep.pace.idle(now))
}

// perSecond returns the rate of a documented limit.
func perSecond(l *Limit) float64 { return float64(l.N) / l.Window.Seconds() }

func (ep *endpoint) notes() *noted {
	if ep.noted == nil {
		ep.noted = new(noted)
	}
	return ep.noted
}

// pace makes a turnstile of a learned rate. As long as nothing is learned it
// holds nobody: the endpoint's token bucket, as wide as the documented limit,
// never binds on what the limit's window lets out, but a line before it would
// let requests of other endpoints overtake. Tokens are taken all the same, when
// a request is sent, so that the bucket's level is right once it matters.
type pace struct{ *adapt.Rate }

func (p pace) Ready(now time.Duration) bool {
	if !p.Learned(now) {
		return true
	}
	ok, _ := p.Rate.Ready(now)
	return ok
}

func (p pace) Take(now time.Duration) {
	if p.Learned(now) {
		p.Rate.Take(now)
	}
}

func (p pace) When(now time.Duration, ahead int) time.Duration {
	if !p.Learned(now) {
		return now
	}
	return p.Rate.When(now, ahead)
}
