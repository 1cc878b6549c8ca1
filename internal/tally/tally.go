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

// Negative returns what undoes c when it is added.
func (c Counts) Negative() Counts {
	return Counts{Sent: -c.Sent, Waited: -c.Waited, Refused: -c.Refused, Throttled: -c.Throttled, Retried: -c.Retried}
}

// Ten minutes of history, in slices.
const (
	SliceLength = 10 * time.Second
	Length      = kept * SliceLength
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
}

// Note adds to the slice of a moment, now or a little while ago.
func (h *History) Note(at time.Duration, c Counts, wait time.Duration) {
	h.roll(at)
	s := &h.ring[int64(at/SliceLength)%kept]
	if s.Start > at || at-s.Start >= SliceLength {
		return // more than ten minutes ago
	}
	s.Add(c)
	if wait > math.MaxInt64-s.Wait { // dry runs under a block of centuries
		wait = math.MaxInt64 - s.Wait
	}
	s.Wait += wait
}

// Slices returns the last ten minutes, the oldest slice first. Slices before
// the first note are left out.
func (h *History) Slices(now time.Duration) []Slice {
	h.roll(now)
	all := make([]Slice, 0, kept)
	for i := max(0, h.newest-kept+1); i <= h.newest; i++ {
		if s := h.ring[i%kept]; s.Start == time.Duration(i)*SliceLength && (len(all) > 0 || s != (Slice{Start: s.Start})) {
			all = append(all, s)
		}
	}
	return all
}

// Sent returns how many requests, but for repeats, were sent in the last while: as
// long as d, and up to a slice less.
func (h *History) Sent(now, d time.Duration) (n int64) {
	h.roll(now)
	for i := max(0, h.newest-int64(d/SliceLength)+1); i <= h.newest; i++ {
		if s := &h.ring[i%kept]; s.Start == time.Duration(i)*SliceLength {
			n += s.Sent - s.Retried
		}
	}
	return n
}

// roll empties the slices that now has moved past.
func (h *History) roll(now time.Duration) {
	number := int64(now / SliceLength)
	for i := max(h.newest+1, number-kept+1); i <= number; i++ {
		h.ring[i%kept] = Slice{Start: time.Duration(i) * SliceLength}
	}
	h.newest = max(h.newest, number)
}

// The histogram's buckets: one for no wait at all, one below a millisecond, and
// four to each power of two of milliseconds, so that a quantile is at most a
// quarter above the true value. The last one starts at more than an hour.
const (
	unit    = time.Millisecond
	quarter = 4
	buckets = quarter*23 + 1
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

// Unnote takes back a wait that was noted. The longest one is still the longest
// there was.
func (h *Histogram) Unnote(wait time.Duration) {
	h.counts[bucketOf(wait)]--
	h.n--
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
			if i == buckets-1 {
				break // it has no end
			}
			return min(upperEnd(i), h.longest)
		}
	}
	return h.longest
}

// bucketOf returns the bucket of a wait.
func bucketOf(wait time.Duration) int {
	q := uint64(max(wait, 0) / (unit / quarter))
	switch {
	case wait <= 0:
		return 0
	case q < quarter:
		return 1
	}
	power := bits.Len64(q) - bits.Len64(quarter)
	within := int(q>>power) & (quarter - 1)
	return min(2+quarter*power+within, buckets-1)
}

// upperEnd returns the longest wait of a bucket.
func upperEnd(i int) time.Duration {
	switch i {
	case 0:
		return 0
	case 1:
		return unit - 1
	}
	power, within := (i-2)/quarter, (i-2)%quarter
	return time.Duration((quarter+within+1)<<power)*(unit/quarter) - 1
}
