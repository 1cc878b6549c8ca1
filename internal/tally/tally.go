// Package tally counts requests by outcome, in total and over the last ten minutes,
// and keeps a histogram of their waits. Recording takes constant time and memory.
//
// The time is an argument: "now" is the monotonic time since a fixed moment of the
// caller's choice. Nothing here locks: the caller must hold a lock around every call.
package tally

import (
	"math"
	"math/bits"
	"time"
)

// Counts counts requests by outcome.
type Counts struct {
	Sent      int64
	Waited    int64 // of those sent, how many waited first
	Refused   int64 // not sent
	Throttled int64 // answered 429
	Retried   int64 // of those sent, how many were retries
}

// Add adds other to c.
func (c *Counts) Add(other Counts) {
	c.Sent += other.Sent
	c.Waited += other.Waited
	c.Refused += other.Refused
	c.Throttled += other.Throttled
	c.Retried += other.Retried
}

// Negative returns the counts that undo c when added.
func (c Counts) Negative() Counts {
	return Counts{Sent: -c.Sent, Waited: -c.Waited, Refused: -c.Refused, Throttled: -c.Throttled, Retried: -c.Retried}
}

// The history is ten minutes, in slices of equal length.
const (
	SliceLength = 10 * time.Second
	Length      = kept * SliceLength
	kept        = 60
)

// Slice counts the requests of one SliceLength.
type Slice struct {
	Start time.Duration
	Wait  time.Duration // sum of all waits
	Counts
}

// History counts the last ten minutes. The zero value is empty and ready to use.
type History struct {
	ring   [kept]Slice
	newest int64 // index of the newest slice, counted from time 0
}

// Note adds to the slice that at falls in: now or a little earlier.
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

// Slices returns the last ten minutes, oldest first. Empty slices at the beginning
// are left out.
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

// Sent returns how many requests were sent in the last d, without retries. Since it
// counts whole slices, it may look back less far, by up to one slice.
func (h *History) Sent(now, d time.Duration) (n int64) {
	h.roll(now)
	for i := max(0, h.newest-int64(d/SliceLength)+1); i <= h.newest; i++ {
		if s := &h.ring[i%kept]; s.Start == time.Duration(i)*SliceLength {
			n += s.Sent - s.Retried
		}
	}
	return n
}

// roll starts the slices up to now, which replace the oldest.
func (h *History) roll(now time.Duration) {
	number := int64(now / SliceLength)
	for i := max(h.newest+1, number-kept+1); i <= number; i++ {
		h.ring[i%kept] = Slice{Start: time.Duration(i) * SliceLength}
	}
	h.newest = max(h.newest, number)
}

// The histogram's buckets: one for no wait, one for waits below a millisecond, and
// four for each doubling from there, so that a quantile is at most a quarter above
// the true value. The last one starts at more than an hour.
const (
	unit    = time.Millisecond
	quarter = 4
	buckets = quarter*23 + 1
)

// Histogram counts requests by how long they waited. The zero value is empty and
// ready to use.
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

// Unnote removes a recorded wait. Max stays as it is.
func (h *Histogram) Unnote(wait time.Duration) {
	h.counts[bucketOf(wait)]--
	h.n--
}

// WithZeros returns the histogram with n more waits of 0: requests that do not wait
// need not be recorded one by one.
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

// Quantile returns the least time that a fraction q of all waits did not exceed,
// rounded up by a quarter at most and never above Max.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := int64(q * float64(h.n))
	for i, seen := 0, int64(0); i < buckets; i++ {
		seen += int64(h.counts[i])
		if seen > rank || seen == h.n {
			if i == buckets-1 {
				break // it has no upper bound
			}
			return min(upperBound(i), h.longest)
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

// upperBound returns the longest wait of a bucket.
func upperBound(i int) time.Duration {
	switch i {
	case 0:
		return 0
	case 1:
		return unit - 1
	}
	power, within := (i-2)/quarter, (i-2)%quarter
	return time.Duration((quarter+within+1)<<power)*(unit/quarter) - 1
}
