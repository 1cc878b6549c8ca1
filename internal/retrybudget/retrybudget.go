// Package retrybudget bounds how many requests may be repeats of failed ones.
//
// A server in trouble answers retries with more failures, so retries that are
// bounded for each call alone multiply its load just when it can bear it least.
// The clients of gRPC (A6, "retry throttling") and of AWS ("retry quota") bound
// them for all calls together: the more requests are made, the more may be
// repeated. This one counts as Finagle's RetryBudget does: a fraction of the
// requests of the last minute, and a few that need no requests to earn them.
//
// The time is an argument everywhere: "now" is the monotonic time since a moment
// that the caller fixes once, never negative. Nothing here locks: the caller holds a
// lock around every call.
package retrybudget

import "time"

// Memory is how long a request, and a retry, count.
const Memory = time.Minute

// slices is into how many parts the memory is divided: the oldest is dropped at a
// time, so it is never longer than a minute, and shorter by a slice at most.
const (
	slices = 12
	slice  = Memory / slices
)

// Budget lets a fraction of the last minute's requests be repeated, and free
// retries a minute besides. Use [New].
type Budget struct {
	fraction float64
	free     int

	kept   [slices]int // retries: a ring
	sum    int         // of all in it
	latest int64       // the number of the slice that is being filled
	denied int64
}

// New returns a budget of fraction ≥ 0 and free ≥ 0.
func New(fraction float64, free int) Budget { return Budget{fraction: fraction, free: free} }

// Retry reports whether one more retry may be made after so many requests in the
// last minute that were no retries, and counts it, or its denial.
func (b *Budget) Retry(now time.Duration, requests int64) bool {
	b.advance(now)
	if b.left(requests) <= 0 {
		b.denied++
		return false
	}
	b.kept[b.latest%slices]++
	b.sum++
	return true
}

// State returns how many retries may be made now, and how many were ever denied.
func (b *Budget) State(now time.Duration, requests int64) (left int, denied int64) {
	b.advance(now)
	return max(b.left(requests), 0), b.denied
}

func (b *Budget) left(requests int64) int {
	return b.free + int(b.fraction*float64(requests)) - b.sum
}

// advance drops what is older than a minute.
func (b *Budget) advance(now time.Duration) {
	current := int64(now / slice)
	for n := 0; b.latest < current && n < slices; n++ {
		b.latest++
		b.sum -= b.kept[b.latest%slices]
		b.kept[b.latest%slices] = 0
	}
	b.latest = max(b.latest, current)
}
