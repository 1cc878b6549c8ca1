package bench

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Result is what a run brought, by program and by second.
type Result struct {
	limit    int
	start    time.Time
	mu       sync.Mutex
	accepted [][]int // requests that the server let through
	rejected [][]int // requests that it answered with 429
	Finished int     // calls that came back with 200
	Failed   int     // calls that came back with anything else
	waits    []time.Duration
	Last     time.Duration // when the last call finished
}

func newResult(s Scenario) *Result {
	r := &Result{limit: s.Limit, start: time.Now()}
	for range s.Programs {
		r.accepted = append(r.accepted, make([]int, int(s.Duration/time.Second)+2))
		r.rejected = append(r.rejected, make([]int, int(s.Duration/time.Second)+2))
	}
	return r
}

func (r *Result) arrive(program, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	second := int(time.Since(r.start) / time.Second)
	if status == http.StatusTooManyRequests {
		r.rejected[program][second]++
	} else {
		r.accepted[program][second]++
	}
}

func (r *Result) finish(_ int, asked time.Time, worked bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !worked {
		r.Failed++
		return
	}
	r.Finished++
	r.Last = time.Since(r.start)
	r.waits = append(r.waits, time.Since(asked))
}

// Accepted returns how many requests of a program the server let through in a
// span of time.
func (r *Result) Accepted(program int, from, to time.Duration) int {
	return sum(r.accepted[program], from, to)
}

// Rejected returns how many 429s the given programs (none: all) met in a span of
// time.
func (r *Result) Rejected(from, to time.Duration, programs ...int) int {
	n := 0
	for _, p := range r.orAll(programs) {
		n += sum(r.rejected[p], from, to)
	}
	return n
}

// Per1000 returns how many 429s the given programs (none: all) met for every
// thousand of their requests that were let through.
func (r *Result) Per1000(from, to time.Duration, programs ...int) float64 {
	return 1000 * float64(r.Rejected(from, to, programs...)) / float64(max(r.total(from, to, programs...), 1))
}

// Share returns the part that the given programs (none: all) used of what the
// others left of the limit.
func (r *Result) Share(from, to time.Duration, programs ...int) float64 {
	used := r.total(from, to, programs...)
	others := r.total(from, to) - used
	return float64(used) / (float64(r.limit)*float64(to-from)/float64(window) - float64(others))
}

// Jain returns Jain's index of how evenly the given programs (none: all) were
// served: 1 is perfectly even, 1/n is everything for one.
func (r *Result) Jain(from, to time.Duration, programs ...int) float64 {
	programs = r.orAll(programs)
	var sum, squares float64
	for _, p := range programs {
		x := float64(r.Accepted(p, from, to))
		sum += x
		squares += x * x
	}
	if squares == 0 {
		return 0
	}
	return sum * sum / (float64(len(programs)) * squares)
}

// Wait returns a quantile of how long calls took, from asking to answer.
func (r *Result) Wait(quantile float64) time.Duration {
	if len(r.waits) == 0 {
		return 0
	}
	slices.Sort(r.waits)
	return r.waits[int(quantile*float64(len(r.waits)-1))]
}

func (r *Result) total(from, to time.Duration, programs ...int) int {
	n := 0
	for _, p := range r.orAll(programs) {
		n += r.Accepted(p, from, to)
	}
	return n
}

func (r *Result) orAll(programs []int) []int {
	if len(programs) > 0 {
		return programs
	}
	for i := range r.accepted {
		programs = append(programs, i)
	}
	return programs
}

func sum(seconds []int, from, to time.Duration) int {
	n := 0
	for _, x := range seconds[int(from/time.Second):min(int(to/time.Second), len(seconds))] {
		n += x
	}
	return n
}
