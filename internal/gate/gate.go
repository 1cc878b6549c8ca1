// Package gate holds the block that a 429 puts on one endpoint.
//
// The server says with Retry-After how long it lasts. All callers of the endpoint
// wait until the latest end that any 429 named: the gate only ever moves its end
// later. For a 429 without a Retry-After the gate backs off exponentially with jitter
// (github.com/cenkalti/backoff/v4), one step per event: 429s to requests that were in
// flight when the gate closed belong to the event that closed it.
//
// One comparison tells those requests from later ones. No request is sent while the
// gate is closed, so one sent before its end was sent before it closed, or at that
// very moment if the clock is coarse.
//
// The time is an argument everywhere: "now" is the monotonic time since a fixed
// moment of the caller's choice, never negative. Nothing here locks or waits.
package gate

import (
	"math/bits"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/clerkthrottle/clerkthrottle-go/internal/saturating"
)

// The backoff after a 429 without a Retry-After. Clerk's Retry-After values have been
// seen between 1 and 10 seconds, so the first step is of that order and the last one
// not far above.
const (
	backoffInitial    = time.Second
	backoffMultiplier = 2
	backoffJitter     = 0.5              // each block is drawn from its step ±50 %
	backoffMax        = 30 * time.Second // the longest step; with jitter, a block of 45 s
	// backoffMemory is how long after its end a block still counts. A program that
	// was silent for longer than the longest block has backed off enough; and without
	// further requests, the gate must become idle without a success.
	backoffMemory = time.Minute

	// A block lasts at least 1/floorDivisor of the backoff's step, up to floorMax,
	// even if the server names a shorter time: one that says "in a millisecond" again
	// and again must not be asked a thousand times a second.
	floorDivisor = 8
	floorMax     = time.Second
)

// A gate that spreads lets spreadFirst requests pass at the end of a block and twice
// as many after each step, until spreadSteps are over and all may.
const (
	spreadFirst = 8
	spreadStep  = 100 * time.Millisecond
	spreadSteps = 20
)

// Gate is open until a 429 closes it. The zero value is open and ready to use. It is
// not safe for concurrent use: the caller must hold a lock.
type Gate struct {
	// Spread makes waiters pass over two seconds after a block instead of all at
	// once. Set it if nothing behind the gate paces them.
	Spread bool

	until   time.Duration               // closed before this moment
	passed  int                         // since then, if Spread
	backoff *backoff.ExponentialBackOff // nil: the next step is the first
}

// Ready reports whether a request may pass.
func (g *Gate) Ready(now time.Duration) bool { return now >= g.until && g.When(now, 0) <= now }

// Take lets a request pass. Ready(now) must be true.
func (g *Gate) Take(now time.Duration) {
	if g.spreads(now) {
		g.passed++
	}
}

// When returns when a request with ahead others before it may pass.
func (g *Gate) When(now time.Duration, ahead int) time.Duration {
	at := max(now, g.until)
	if g.spreads(at) {
		step := bits.Len(uint((g.passed + ahead) / spreadFirst))
		at = max(at, g.until+time.Duration(step)*spreadStep)
	}
	return at
}

// spreads reports whether the gate limits who may pass at t because a block ended
// shortly before.
func (g *Gate) spreads(t time.Duration) bool {
	return g.Spread && g.until > 0 && t-g.until < spreadSteps*spreadStep
}

// Closed reports whether a block is in force.
func (g *Gate) Closed(now time.Duration) bool { return now < g.until }

// Until returns the end of the block, which may lie in the past.
func (g *Gate) Until() time.Duration { return g.until }

// Idle reports whether a new gate would behave the same, unless a request is in
// flight: it is open, and its backoff at its first step.
func (g *Gate) Idle(now time.Duration) bool {
	return now >= g.until && !g.spreads(now) && (g.backoff == nil || g.expired(now))
}

// Close closes the gate for d from now. It never shortens a block.
func (g *Gate) Close(now, d time.Duration) {
	if until := saturating.Add(now, d); until > g.until {
		g.until, g.passed = until, 0
	}
}

// Block closes the gate after a 429 with a Retry-After to a request sent at sent.
func (g *Gate) Block(now, sent, retryAfter time.Duration) {
	if sent >= g.until {
		retryAfter = max(retryAfter, min(g.next(sent)/floorDivisor, floorMax))
	}
	g.Close(now, retryAfter)
}

// BackOff closes the gate for the next step of its backoff, after a 429 without a
// Retry-After to a request sent at sent.
func (g *Gate) BackOff(now, sent time.Duration) {
	if sent < g.until {
		return // in flight when the gate closed: the same event
	}
	g.Close(now, g.next(sent))
}

// next returns the next step of the backoff.
func (g *Gate) next(sent time.Duration) time.Duration {
	if g.backoff == nil || g.expired(sent) {
		g.backoff = backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(backoffInitial),
			backoff.WithMultiplier(backoffMultiplier),
			backoff.WithRandomizationFactor(backoffJitter),
			backoff.WithMaxInterval(backoffMax),
			backoff.WithMaxElapsedTime(0), // the caller decides when to stop
		)
	}
	return g.backoff.NextBackOff()
}

// Pass resets the backoff after the server accepted a request sent at sent. An answer
// to a request from before the gate closed says nothing and is ignored.
func (g *Gate) Pass(sent time.Duration) {
	if sent >= g.until {
		g.backoff = nil
	}
}

// expired reports whether at t the last block ended too long ago to count.
func (g *Gate) expired(t time.Duration) bool { return t-g.until >= backoffMemory }
