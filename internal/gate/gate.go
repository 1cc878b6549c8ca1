// Package gate holds the block that a 429 puts on one endpoint.
//
// The server says how long with Retry-After, and every caller of the endpoint
// keeps to it, those whose own 429 named a shorter time included: the gate only
// ever moves its end later. Where the server says nothing, the gate backs off
// exponentially with jitter (github.com/cenkalti/backoff/v4), one step for each
// event: the 429s of requests that were under way when the gate closed belong
// to the event that closed it.
//
// The time is an argument everywhere: "now" is the monotonic time since a
// moment that the caller fixes once. Nothing here locks or waits.
package gate

import (
	"math"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// The backoff of a gate that was told no time. Clerk's own Retry-After values
// have been seen between 1 and 10 seconds, so the first step is of that order
// and the last one not far above.
const (
	backoffInitial    = time.Second
	backoffMultiplier = 2
	backoffJitter     = 0.5 // each step is drawn from ±50 % around it
	backoffMax        = 30 * time.Second
)

// Gate is open until it is told of a 429. The zero value is open and ready to
// use. It is not safe for concurrent use: the caller holds a lock around it.
type Gate struct {
	until   time.Duration // closed before this moment
	closed  time.Duration // when the last event closed it
	ever    bool
	backoff *backoff.ExponentialBackOff
}

// Ready reports whether requests may pass.
func (g *Gate) Ready(now time.Duration) bool { return now >= g.until }

// Take lets a request pass: a gate has nothing to give away.
func (g *Gate) Take(time.Duration) {}

// When returns the moment from which requests may pass, however many wait.
func (g *Gate) When(now time.Duration, _ int) time.Duration { return max(now, g.until) }

// Until returns the end of the block, which may lie in the past.
func (g *Gate) Until() time.Duration { return g.until }

// Idle reports whether a new gate would behave the same: open, and its backoff
// at its first step.
func (g *Gate) Idle(now time.Duration) bool { return g.Ready(now) && g.backoff == nil }

// Block closes the gate for the time that the server named, at least until then
// and never for less than it was closed already.
func (g *Gate) Block(now, retryAfter time.Duration) {
	g.close(now, retryAfter)
}

// BackOff closes the gate for the next step of its own backoff, because a
// request that was sent at the given moment met a 429 without a Retry-After.
func (g *Gate) BackOff(now, sent time.Duration) {
	if g.ever && sent < g.closed {
		return // it was under way when the gate closed: the same event
	}
	if g.backoff == nil {
		g.backoff = backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(backoffInitial),
			backoff.WithMultiplier(backoffMultiplier),
			backoff.WithRandomizationFactor(backoffJitter),
			backoff.WithMaxInterval(backoffMax),
			backoff.WithMaxElapsedTime(0), // the caller's bound decides when to stop
		)
	}
	g.close(now, g.backoff.NextBackOff())
}

// Pass tells that a request which was sent at the given moment was let through
// by the server: the next backoff starts from its first step. An answer from
// before the gate closed says nothing and is ignored.
func (g *Gate) Pass(sent time.Duration) {
	if g.backoff != nil && sent >= g.closed {
		g.backoff = nil
	}
}

func (g *Gate) close(now, d time.Duration) {
	if now >= g.until || !g.ever {
		g.closed = now
	}
	g.ever = true
	g.until = max(g.until, saturatingAdd(now, d))
}

// saturatingAdd keeps a Retry-After of centuries from wrapping into the past.
func saturatingAdd(now, d time.Duration) time.Duration {
	if d > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + d
}
