// Package retrybudget bounds how many requests may be retries.
//
// A server in trouble answers retries with more failures, so retries that are bounded
// per call only multiply its load just when it can bear it least. gRPC's clients (A6,
// "retry throttling") and AWS's ("retry quota") bound them over all calls: the more
// requests are made, the more may be retried. This package counts as Finagle's
// RetryBudget does: a fraction of the requests of the last minute, plus a few that no
// requests need to earn.
//
// The time is an argument everywhere: "now" is the monotonic time since a fixed
// moment of the caller's choice, never negative. Nothing here locks: the caller must
// hold a lock around every call.
package retrybudget

import "time"

// Memory is how long requests and retries count.
const Memory = time.Minute

// slices is how many parts Memory is divided into. The oldest part is dropped as a
// whole, so a retry counts for at most a minute, and up to one slice less.
const (
	slices = 12
	slice  = Memory / slices
)

// Budget allows a fraction of the last minute's requests to be retried, and free
// retries a minute besides. Use [New].
type Budget struct {
	fraction float64
	free     int

	retries [slices]int // a ring, indexed by slice number
	sum     int         // of retries
	latest  int64       // number of the current slice
	denied  int64
}

// New returns a budget; fraction and free must not be negative.
func New(fraction float64, free int) Budget { return Budget{fraction: fraction, free: free} }

// Retry reports whether one more retry is allowed, and counts it, or its denial.
// requests is how many requests of the last minute were not retries.
func (b *Budget) Retry(now time.Duration, requests int64) bool {
	b.advance(now)
	if b.left(requests) <= 0 {
		b.denied++
		return false
	}
	b.retries[b.latest%slices]++
	b.sum++
	return true
}

// State returns how many retries are allowed now, and how many have been denied in all.
func (b *Budget) State(now time.Duration, requests int64) (left int, denied int64) {
	b.advance(now)
	return max(b.left(requests), 0), b.denied
}

func (b *Budget) left(requests int64) int {
	return b.free + int(b.fraction*float64(requests)) - b.sum
}

// advance drops retries older than a minute.
func (b *Budget) advance(now time.Duration) {
	current := int64(now / slice)
	for n := 0; b.latest < current && n < slices; n++ {
		b.latest++
		b.sum -= b.retries[b.latest%slices]
		b.retries[b.latest%slices] = 0
	}
	b.latest = max(b.latest, current)
}
