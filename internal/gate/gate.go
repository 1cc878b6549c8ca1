// Package gate holds the block that a 429 puts on one endpoint.
//
// The server says how long with Retry-After, and every caller of the endpoint
// keeps to it, those whose own 429 named a shorter time included: the gate only
// ever moves its end later. Where the server says nothing, the gate backs off
// exponentially with jitter (github.com/cenkalti/backoff/v4), one step for each
// event: the 429s of requests that were under way when the gate closed belong
// to the event that closed it.
//
// To tell those requests from later ones, one comparison is enough. Nobody is
// sent while the gate is closed, so whoever was sent before its end was sent
// before it closed, or at the very moment, where the clock is coarse.
//
// The time is an argument everywhere: "now" is the monotonic time since a
// moment that the caller fixes once, never negative. Nothing here locks or
// waits.
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
	backoffJitter     = 0.5              // each block is drawn from ±50 % around its step
	backoffMax        = 30 * time.Second // the longest step; with jitter, a block of 45 s

	// backoffMemory is how long after its end a block still counts. Whoever
	// kept silent for longer than the longest block has backed off enough; and
	// if nobody ever comes back, the gate must become idle without a success.
	backoffMemory = time.Minute
)

// Gate is open until it is told of a 429. The zero value is open and ready to
// use. It is not safe for concurrent use: the caller holds a lock around it.
type Gate struct {
	until   time.Duration               // closed before this moment
	backoff *backoff.ExponentialBackOff // nil: the next step is the first
}

// Ready reports whether requests may pass.
func (g *Gate) Ready(now time.Duration) bool { return now >= g.until }

// Take lets a request pass: a gate has nothing to give away.
func (g *Gate) Take(time.Duration) {}

// When returns the moment from which requests may pass, however many wait.
func (g *Gate) When(now time.Duration, _ int) time.Duration { return max(now, g.until) }

// Until returns the end of the block, which may lie in the past.
func (g *Gate) Until() time.Duration { return g.until }

// Idle reports whether a new gate would behave the same, as long as no request
// is under way: open, and its backoff at its first step.
func (g *Gate) Idle(now time.Duration) bool {
	return g.Ready(now) && (g.backoff == nil || g.forgotten(now))
}

// Block closes the gate for the time that the server named, counted from now.
// Where it is closed for longer already, it stays so.
func (g *Gate) Block(now, retryAfter time.Duration) {
	g.until = max(g.until, saturatingAdd(now, retryAfter))
}

// BackOff closes the gate for the next step of its own backoff, because a
// request that was sent at the given moment met a 429 without a Retry-After.
func (g *Gate) BackOff(now, sent time.Duration) {
	if sent < g.until {
		return // it was under way when the gate closed: the same event
	}
	if g.backoff == nil || g.forgotten(sent) {
		g.backoff = backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(backoffInitial),
			backoff.WithMultiplier(backoffMultiplier),
			backoff.WithRandomizationFactor(backoffJitter),
			backoff.WithMaxInterval(backoffMax),
			backoff.WithMaxElapsedTime(0), // the caller's bound decides when to stop
		)
	}
	g.Block(now, g.backoff.NextBackOff())
}

// Pass tells that a request which was sent at the given moment was let through
// by the server: the next backoff starts from its first step. An answer to a
// request from before the gate closed says nothing and is ignored.
func (g *Gate) Pass(sent time.Duration) {
	if sent >= g.until {
		g.backoff = nil
	}
}

// forgotten reports whether the last block ended so long before t that it
// counts no more.
func (g *Gate) forgotten(t time.Duration) bool { return t-g.until >= backoffMemory }

// saturatingAdd keeps a Retry-After of centuries from wrapping into the past.
func saturatingAdd(now, d time.Duration) time.Duration {
	if d > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + d
}
