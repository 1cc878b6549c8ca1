// Package tally counts what became of requests: since the beginning, over the
// last ten minutes, and how long they waited, by quantile. Every note takes
// constant time and memory.
//
// The time is an argument: "now" is the monotonic time since a moment that the
// caller fixes once. Nothing here locks: the caller holds a lock around every
// call.
package tally

import (
	"math"
	"math/bits"
	"time"
)

// Counts adds up requests by what became of them.
type Counts struct {
	Sent      int64
	Waited    int64 // of those sent, how many were held back before
	Refused   int64 // not sent
	Throttled int64 // answered 429
	Retried   int64 // of those sent, how many repeat another
}

// Add adds other to c.
func (c *Counts) Add(other Counts) {
	c.Sent += other.Sent
	c.Waited += other.Waited
	c.Refused += other.Refused
	c.Throttled += other.Throttled
	c.Retried += other.Retried
}

// Ten minutes of history in slices of a Clerk window each.
const (
	SliceLength = 10 * time.Second
	kept        = 60
)

// Slice is what happened in one slice of time.
type Slice struct {
	Start time.Duration
	Wait  time.Duration // all waits together
	Counts
}

// History is the last ten minutes. The zero value is empty and ready to use.
type History struct {
	ring   [kept]Slice
	newest int64 // number of the newest slice since the fixed moment
	used   bool
}

// Note adds to the slice of now.
func (h *History) Note(now time.Duration, c Counts, wait time.Duration) {
	h.roll(now)
	s := &h.ring[h.newest%kept]
	s.Add(c)
	s.Wait += wait
}

// Slices returns the last ten minutes, the oldest slice first. Slices before
// the first note are left out.
func (h *History) Slices(now time.Duration) []Slice {
	if !h.used {
		return nil
	}
	h.roll(now)
	all := make([]Slice, 0, kept)
	for i := max(0, h.newest-kept+1); i <= h.newest; i++ {
		if s := h.ring[i%kept]; s.Start == time.Duration(i)*SliceLength && (len(all) > 0 || s != (Slice{Start: s.Start})) {
			all = append(all, s)
		}
	}
	return all
}

// roll empties the slices that now has moved past.
func (h *History) roll(now time.Duration) {
	number := int64(now / SliceLength)
	first := h.newest + 1
	if !h.used {
		h.used, first = true, number
	}
	for i := max(first, number-kept+1); i <= number; i++ {
		h.ring[i%kept] = Slice{Start: time.Duration(i) * SliceLength}
	}
	h.newest = max(h.newest, number)
}

// The histogram's buckets: four to each power of two of milliseconds, so that a
// quantile is at most a quarter above the true value. The last one starts at
// more than an hour.
const (
	unit    = time.Millisecond
	quarter = 4
	buckets = quarter * 23
)

// Histogram holds how long requests waited. The zero value is empty and ready
// to use.
type Histogram struct {
	counts  [buckets]uint32
	n       int64
	longest time.Duration
}

// Note adds one wait.
func (h *Histogram) Note(wait time.Duration) {
	h.counts[bucketOf(wait)]++
	h.n++
	h.longest = max(h.longest, wait)
}

// WithZeros returns the histogram with n more waits of no time at all, for
// those that are not worth noting one by one.
func (h *Histogram) WithZeros(n int64) Histogram {
	with := *h
	with.counts[0] += uint32(min(n, math.MaxUint32-int64(with.counts[0])))
	with.n = 0
	for _, c := range with.counts {
		with.n += int64(c)
	}
	return with
}

// Max returns the longest wait.
func (h *Histogram) Max() time.Duration { return h.longest }

// Quantile returns a time that the fraction q of all waits did not exceed: the
// least such time, rounded up by a quarter at most, and never above Max.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := int64(q * float64(h.n))
	for i, seen := 0, int64(0); i < buckets; i++ {
		seen += int64(h.counts[i])
		if seen > rank || seen == h.n {
			return min(upperEnd(i), h.longest)
		}
	}
	return h.longest
}

// bucketOf returns the bucket of a wait: number 0 below a millisecond, and then
// four to each power of two.
func bucketOf(wait time.Duration) int {
	q := uint64(max(wait, 0) / (unit / quarter))
	if q < quarter {
		return 0
	}
	power := bits.Len64(q) - bits.Len64(quarter)
	within := int(q>>power) & (quarter - 1)
	return min(1+quarter*power+within, buckets-1)
}

// upperEnd returns the longest wait of a bucket.
func upperEnd(i int) time.Duration {
	if i == 0 {
		return unit - 1
	}
	power, within := (i-1)/quarter, (i-1)%quarter
	return time.Duration((quarter+within+1)<<power)*(unit/quarter) - 1
}
