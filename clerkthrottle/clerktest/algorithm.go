package clerktest

import (
	"fmt"
	"math"
	"time"
)

// Algorithm is how a server counts N requests per window W.
type Algorithm int

const (
	// SlidingLog accepts a request if fewer than N were accepted in the W before it.
	// It is exact and the strictest: the other two accept whatever it accepts. A
	// request at t and one at t+W are in different windows. The zero value and
	// default.
	SlidingLog Algorithm = iota
	// FixedWindow counts in adjacent windows of length W, each from zero: around an
	// edge it accepts up to 2N requests in quick succession. [WithPhase] sets where
	// the edges are.
	FixedWindow
	// TokenBucket holds up to N tokens, starts full and regains N per W: after a
	// pause it accepts N at once, and up to 2N−1 within one window.
	TokenBucket
)

// String returns "sliding log", "fixed window" or "token bucket".
func (a Algorithm) String() string {
	names := []string{"sliding log", "fixed window", "token bucket"}
	if a < 0 || int(a) >= len(names) {
		return fmt.Sprintf("Algorithm(%d)", int(a))
	}
	return names[a]
}

// Times in the counting code are durations since the Unix epoch.

// A counter counts for one bucket. wait returns how long from now until a request
// would be accepted; take counts one that was. Calls come in time order. A counter
// that took nothing for a whole window is as good as new. The server's lock guards
// it.
type counter interface {
	wait(now time.Duration) time.Duration
	take(now time.Duration)
}

// newCounter returns a counter of n per window. accepted holds the requests accepted
// lately.
func newCounter(c *config, n int, accepted *window) counter {
	switch c.algorithm {
	case FixedWindow:
		return &fixedWindow{n: n, w: accepted.w, start: c.phase % accepted.w, started: c.phased}
	case TokenBucket:
		return newTokenBucket(n, accepted.w)
	default:
		return slidingLog{n, accepted}
	}
}

type fixedWindow struct {
	n       int
	w       time.Duration
	start   time.Duration // of the current window, once started
	started bool
	count   int
}

func (f *fixedWindow) roll(now time.Duration) {
	if k := (now - f.start) / f.w; f.started && k != 0 {
		f.start += k * f.w
		f.count = 0
	}
}

func (f *fixedWindow) wait(now time.Duration) time.Duration {
	f.roll(now)
	if f.count < f.n {
		return 0
	}
	return f.start + f.w - now
}

func (f *fixedWindow) take(now time.Duration) {
	if !f.started {
		f.start, f.started = now, true
	}
	f.roll(now)
	f.count++
}

type slidingLog struct {
	n        int
	accepted *window
}

func (s slidingLog) wait(now time.Duration) time.Duration {
	if s.accepted.size(now) < s.n {
		return 0
	}
	return s.accepted.oldest() + s.accepted.w - now
}

func (slidingLog) take(time.Duration) {} // the limiter adds to accepted, for every algorithm

// tokenBucket counts missing tokens in units of 1/W token, so that N/W needs no
// rounding: a request costs w units, and every nanosecond returns n.
type tokenBucket struct {
	n, w    int64
	missing int64
	at      time.Duration // when missing was last updated
}

func newTokenBucket(n int, w time.Duration) *tokenBucket {
	// This keeps n·w within an int64. Such an n (230 million in 10 s) is never
	// reached.
	return &tokenBucket{n: min(int64(n), math.MaxInt64/4/int64(w)), w: int64(w)}
}

func (b *tokenBucket) refill(now time.Duration) {
	elapsed := min(int64(now-b.at), b.w) // a whole window fills any bucket
	b.missing = max(0, b.missing-elapsed*b.n)
	b.at = now
}

func (b *tokenBucket) wait(now time.Duration) time.Duration {
	b.refill(now)
	over := b.missing + b.w - b.n*b.w
	if over <= 0 {
		return 0
	}
	return time.Duration((over + b.n - 1) / b.n)
}

func (b *tokenBucket) take(now time.Duration) {
	b.refill(now)
	b.missing += b.w
}

// window holds the times of the last w, half open: a time t drops out at t+w.
type window struct {
	w     time.Duration
	times []time.Duration
	head  int
}

func (q *window) add(now time.Duration) { q.times = append(q.times, now) }

func (q *window) oldest() time.Duration { return q.times[q.head] }

// size drops the times that have left the window and counts the rest.
func (q *window) size(now time.Duration) int {
	for q.head < len(q.times) && q.times[q.head]+q.w <= now {
		q.head++
	}
	if q.head > len(q.times)/2 {
		q.times = q.times[:copy(q.times, q.times[q.head:])]
		q.head = 0
	}
	return len(q.times) - q.head
}
