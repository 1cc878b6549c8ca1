package redisbudget

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/adapt"
	"github.com/clerkthrottle/clerkthrottle-go/internal/gate"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// endpoint is what this program knows of one endpoint: its gate, a copy of the
// one that all programs share, and the rate learned from the 429s that this
// program met. In a fleet that shares a budget those come from programs outside
// of it. Guarded by the budget's lock.
type endpoint struct {
	name, key string
	redisKey  string
	limit     transport.Limit // that the rate is learned for
	gate      gate.Gate
	rate      *adapt.Rate // nil: nothing is learned
	shared    bool        // what the gate holds is known to Redis, or none of its business
	alone     bool        // the rate was learned while Redis was away
	users     int         // leases that name it
	reopen    *time.Timer // tells the observers; nil: there was nothing to tell
	seen      uint64      // the last look at who waits that found one of it
}

func newEndpoint(c *transport.Claim, redisKey string) *endpoint {
	e := &endpoint{name: c.Endpoint, key: c.Key, redisKey: redisKey, limit: c.Rate, shared: true}
	e.forget()
	return e
}

// forget starts to learn anew.
func (e *endpoint) forget() {
	e.alone, e.rate = false, nil
	if e.limit.N > 0 {
		e.rate = adapt.New(e.limit.N, e.limit.Window)
	}
}

// learned reports whether 429s narrow the endpoint's rate.
func (e *endpoint) learned(now time.Duration) bool { return e.rate != nil && e.rate.Learned(now) }

// paced returns the earliest moment at which the learned rate lets a request go
// that has ahead others before it. As long as nothing is learned, that is now.
func (e *endpoint) paced(now time.Duration, ahead int) time.Duration {
	if !e.learned(now) {
		return now
	}
	if ahead == 0 {
		if ok, at := e.rate.Ready(now); !ok {
			return at
		}
		return now
	}
	return e.rate.When(now, ahead)
}

// sent counts a request that is sent now.
func (e *endpoint) sent(now time.Duration) {
	if e.rate != nil {
		e.rate.Take(now)
	}
}

// block closes the gate, as a 429 of this program's said. It reports whether
// that is news to the other programs.
func (e *endpoint) block(now, d time.Duration) bool {
	was := e.gate.Until()
	e.gate.Block(now, d)
	return e.publish(was)
}

// backOff closes the gate, because a 429 said nothing.
func (e *endpoint) backOff(now, sent time.Duration) bool {
	was := e.gate.Until()
	e.gate.BackOff(now, sent)
	return e.publish(was)
}

func (e *endpoint) publish(was time.Duration) bool {
	if e.gate.Until() == was {
		return false
	}
	e.shared = false
	return true
}

// throttled learns from a 429, and reports whether that changed the rate.
func (e *endpoint) throttled(now, sent time.Duration, away bool) (changed bool) {
	if e.rate == nil {
		return false
	}
	e.alone = e.alone || away && !e.rate.Learned(now)
	return e.rate.Throttled(now, sent, e.gate.Until())
}

// idle reports whether the endpoint may be forgotten.
func (e *endpoint) idle(now time.Duration) bool {
	return e.users == 0 && e.shared && e.gate.Idle(now) && (e.rate == nil || e.rate.Idle(now))
}
