package bucket

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/saturating"
)

// ring is a FIFO queue of times in ascending order. It grows by doubling, as far as the
// traffic needs, so that a bucket with little traffic stays small whatever its limit.
type ring struct {
	buf  []time.Duration // its length is zero or a power of two
	head uint32
	n    uint32
}

func (r *ring) len() int { return int(r.n) }

// at returns the i-th earliest time, 0 ≤ i < len.
func (r *ring) at(i int) time.Duration {
	return r.buf[(r.head+uint32(i))&uint32(len(r.buf)-1)]
}

// push appends t, or the last time if that is later, so that the order holds even if the
// caller's clock steps back.
func (r *ring) push(t time.Duration) {
	if r.n > 0 {
		t = max(t, r.at(int(r.n)-1))
	}
	if int(r.n) == len(r.buf) {
		r.grow()
	}
	r.buf[(r.head+r.n)&uint32(len(r.buf)-1)] = t
	r.n++
}

func (r *ring) grow() {
	buf := make([]time.Duration, max(2*len(r.buf), 4))
	k := copy(buf, r.buf[r.head:])
	copy(buf[k:], r.buf[:r.head])
	r.buf, r.head = buf, 0
}

// dropUntil removes all times up to now, and returns how many.
func (r *ring) dropUntil(now time.Duration) (n int) {
	for r.n > 0 && r.buf[r.head] <= now {
		r.head = (r.head + 1) & uint32(len(r.buf)-1)
		r.n--
		n++
	}
	return n
}

// shift moves all times by d, but none below 0.
func (r *ring) shift(d time.Duration) {
	for i := range r.n {
		t := &r.buf[(r.head+i)&uint32(len(r.buf)-1)]
		*t = max(0, saturating.Add(*t, d))
	}
}
