package clerktest

import (
	"fmt"
	"math"
	"time"
)

// Algorithm is the way a server counts N requests per window W.
type Algorithm int

const (
	// SlidingLog accepts a request when fewer than N were accepted in the W
	// before it. Exact, and the strictest: whatever it accepts, the other two
	// accept as well. A request at t and one at t+W are in different windows.
	// The zero value, and the default.
	SlidingLog Algorithm = iota
	// FixedWindow counts in adjacent windows of length W and starts each at
	// zero: around an edge it accepts up to 2N requests in quick succession.
	// See [WithPhase] for where the edges are.
	FixedWindow
	// TokenBucket holds up to N tokens, starts full and regains N per W: after
	// a pause it accepts N at once, and up to 2N−1 in the window that follows.
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

// A counter is one bucket's count. wait is how long from now until a request
// would be accepted, 0 meaning now; take counts one that was. Calls come in the
// order of their times; one that took nothing for a whole window is as good as
// new. A counter has no lock: the server's guards it.
type counter interface {
	wait(now time.Duration) time.Duration
	take(now time.Duration)
}

// newCounter returns what counts n per window as the configuration says. accepted
// has what was taken lately.
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

func (slidingLog) take(time.Duration) {} // what is accepted is noted for every algorithm

// tokenBucket keeps the tokens that are missing, in units of 1/W token per
// nanosecond, so that N/W needs no rounding: a request costs w units, and every
// nanosecond gives n back.
type tokenBucket struct {
	n, w    int64
	missing int64
	at      time.Duration // when missing was last brought up to date
}

func newTokenBucket(n int, w time.Duration) *tokenBucket {
	// Keeps n·w within an int64. Such an n (230 million in 10 s) is never reached.
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

// window holds the times of the last w, half open: what happened at t is gone
// at t+w.
type window struct {
	w     time.Duration
	times []time.Duration
	head  int
}

func (q *window) add(now time.Duration) { q.times = append(q.times, now) }

func (q *window) oldest() time.Duration { return q.times[q.head] }

// size drops what is no longer in the window and counts the rest.
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
