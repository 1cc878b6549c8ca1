package bucket

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/saturating"
)

// ring is a first-in first-out queue of moments in ascending order. It grows by
// doubling, to the most that was ever in it at once, so that a bucket which sees
// little traffic stays small whatever its limit.
type ring struct {
	buf  []time.Duration // the length is zero or a power of two
	head uint32
	n    uint32
}

func (r *ring) len() int { return int(r.n) }

// at returns the i-th moment, 0 ≤ i < len, the earliest being number 0.
func (r *ring) at(i int) time.Duration {
	return r.buf[(r.head+uint32(i))&uint32(len(r.buf)-1)]
}

// push appends a moment. One that lies before the last one counts as the last
// one, so that the order holds even where the caller's clock steps back.
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

// dropUntil removes every moment that is not after now, and returns how many.
func (r *ring) dropUntil(now time.Duration) (n int) {
	for r.n > 0 && r.buf[r.head] <= now {
		r.head = (r.head + 1) & uint32(len(r.buf)-1)
		r.n--
		n++
	}
	return n
}

// shift moves all moments by d. Those that would come before 0 count as 0.
func (r *ring) shift(d time.Duration) {
	for i := range r.n {
		t := &r.buf[(r.head+i)&uint32(len(r.buf)-1)]
		*t = max(0, saturating.Add(*t, d))
	}
}
