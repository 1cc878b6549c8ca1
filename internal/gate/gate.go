// Package gate holds the block that a 429 puts on one endpoint.
//
// The server says how long with Retry-After, and every caller of the endpoint
// keeps to it, those whose own 429 named a shorter time included: the gate only
// ever moves its end later. Where the server says nothing, the gate backs off
// exponentially with jitter (github.com/cenkalti/backoff/v4), one step for each
// event: the 429s of requests that were under way when the gate closed belong
// to the event that closed it.
//
// To tell those requests from later ones, one comparison is enough. No request is
// sent while the gate is closed, so one that was sent before its end was sent before
// it closed, or at that very moment, where the clock is coarse.
//
// The time is an argument everywhere: "now" is the monotonic time since a
// moment that the caller fixes once, never negative. Nothing here locks or
// waits.
package gate

import (
	"math/bits"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/clerkthrottle/clerkthrottle-go/internal/saturating"
)

// The backoff of a gate that was told no time. Clerk's own Retry-After values
// have been seen between 1 and 10 seconds, so the first step is of that order
// and the last one not far above.
const (
	backoffInitial    = time.Second
	backoffMultiplier = 2
	backoffJitter     = 0.5              // each block is drawn from ±50 % around its step
	backoffMax        = 30 * time.Second // the longest step; with jitter, a block of 45 s
	// backoffMemory is how long after its end a block still counts. A program that
	// kept silent for longer than the longest block has backed off enough; and if no
	// request ever comes, the gate must become idle without a success.
	backoffMemory = time.Minute

	// Where the server names a time, the gate keeps to it, but never for less than
	// this part of its backoff, up to this long: a server that says "in a
	// millisecond", again and again, is not to be asked a thousand times a second.
	floorPart = 8
	floorMax  = time.Second
)

// A gate that spreads lets so many pass at the end of a block, and twice as many
// after each step, until all may.
const (
	spreadFirst = 8
	spreadStep  = 100 * time.Millisecond
	spreadSteps = 20
)

// Gate is open until it is told of a 429. The zero value is open and ready to
// use. It is not safe for concurrent use: the caller holds a lock around it.
type Gate struct {
	// Spread is set where nothing behind the gate paces what waited at it: that
	// passes over two seconds then, instead of all at once.
	Spread bool

	until   time.Duration               // closed before this moment
	passed  int                         // since then, where it spreads
	backoff *backoff.ExponentialBackOff // nil: the next step is the first
}

// Ready reports whether a request may pass.
func (g *Gate) Ready(now time.Duration) bool { return now >= g.until && g.When(now, 0) <= now }

// Take lets a request pass. Ready(now) has been true.
func (g *Gate) Take(now time.Duration) {
	if g.spreads(now) {
		g.passed++
	}
}

// When returns the moment from which a request with ahead others before it may
// pass.
func (g *Gate) When(now time.Duration, ahead int) time.Duration {
	at := max(now, g.until)
	if g.spreads(at) {
		step := bits.Len(uint((g.passed + ahead) / spreadFirst))
		at = max(at, g.until+time.Duration(step)*spreadStep)
	}
	return at
}

// spreads reports whether not all may pass at a moment after a block.
func (g *Gate) spreads(t time.Duration) bool {
	return g.Spread && g.until > 0 && t-g.until < spreadSteps*spreadStep
}

// Closed reports whether the block still lasts.
func (g *Gate) Closed(now time.Duration) bool { return now < g.until }

// Until returns the end of the block, which may lie in the past.
func (g *Gate) Until() time.Duration { return g.until }

// Idle reports whether a new gate would behave the same, as long as no request
// is under way: open, and its backoff at its first step.
func (g *Gate) Idle(now time.Duration) bool {
	return now >= g.until && !g.spreads(now) && (g.backoff == nil || g.forgotten(now))
}

// Close closes the gate for some time, counted from now. Where it is closed for
// longer already, it stays so.
func (g *Gate) Close(now, d time.Duration) {
	if until := saturating.Add(now, d); until > g.until {
		g.until, g.passed = until, 0
	}
}

// Block closes the gate for the time that the server named in its 429 to a request
// that was sent at the given moment.
func (g *Gate) Block(now, sent, retryAfter time.Duration) {
	if sent >= g.until {
		retryAfter = max(retryAfter, min(g.next(sent)/floorPart, floorMax))
	}
	g.Close(now, retryAfter)
}

// BackOff closes the gate for the next step of its own backoff, because a
// request that was sent at the given moment met a 429 without a Retry-After.
func (g *Gate) BackOff(now, sent time.Duration) {
	if sent < g.until {
		return // it was under way when the gate closed: the same event
	}
	g.Close(now, g.next(sent))
}

// next returns the next step of the backoff.
func (g *Gate) next(sent time.Duration) time.Duration {
	if g.backoff == nil || g.forgotten(sent) {
		g.backoff = backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(backoffInitial),
			backoff.WithMultiplier(backoffMultiplier),
			backoff.WithRandomizationFactor(backoffJitter),
			backoff.WithMaxInterval(backoffMax),
			backoff.WithMaxElapsedTime(0), // the caller's bound decides when to stop
		)
	}
	return g.backoff.NextBackOff()
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
