// Package retrybudget bounds how many requests may be repeats of failed ones.
//
// A server in trouble answers retries with more failures, so retries that are
// bounded for each call alone multiply its load just when it can bear it least.
// The clients of gRPC (A6, "retry throttling") and of AWS ("retry quota") bound
// them for all calls together: the more requests succeed in being made, the more
// may be repeated. This one counts as Finagle's RetryBudget does: a fraction of
// the requests of the last minute, and a few that need no requests to earn them.
//
// The time is an argument everywhere: "now" is the monotonic time since a moment
// that the caller fixes once, never negative.
package retrybudget

import (
	"sync"
	"time"
)

// The last minute is kept in slices, of which the oldest is dropped at a time:
// it is never longer than a minute, and shorter by a slice at most.
const (
	memory = time.Minute
	slices = 12
	slice  = memory / slices
)

// Budget lets a fraction of the last minute's requests be repeated, and free
// retries a minute besides. It is safe for concurrent use. Use [New].
type Budget struct {
	fraction float64
	free     int

	mu     sync.Mutex
	kept   [slices]counts // a ring
	sum    counts         // of all in it
	latest int64          // the number of the slice that is being filled
	denied int64
}

type counts struct{ requests, retries int }

// New returns a budget of fraction ≥ 0 and free ≥ 0.
func New(fraction float64, free int) *Budget { return &Budget{fraction: fraction, free: free} }

// Request counts a request that is no retry.
func (b *Budget) Request(now time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advanceLocked(now)
	b.kept[b.latest%slices].requests++
	b.sum.requests++
}

// Retry reports whether one more retry may be made, and counts it or its denial.
func (b *Budget) Retry(now time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advanceLocked(now)
	if b.leftLocked() <= 0 {
		b.denied++
		return false
	}
	b.kept[b.latest%slices].retries++
	b.sum.retries++
	return true
}

// State returns how many retries may be made now, and how many were ever denied.
func (b *Budget) State(now time.Duration) (left int, denied int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advanceLocked(now)
	return max(b.leftLocked(), 0), b.denied
}

func (b *Budget) leftLocked() int {
	return b.free + int(b.fraction*float64(b.sum.requests)) - b.sum.retries
}

// advanceLocked drops what is older than a minute. A clock that was read before
// another caller's changes nothing.
func (b *Budget) advanceLocked(now time.Duration) {
	current := int64(now / slice)
	for n := 0; b.latest < current && n < slices; n++ {
		b.latest++
		old := &b.kept[b.latest%slices]
		b.sum.requests -= old.requests
		b.sum.retries -= old.retries
		*old = counts{}
	}
	b.latest = max(b.latest, current)
}
