package sim

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Result is what a run brought, by program and by second.
type Result struct {
	limit    int
	work     bool // there are programs that have work to do
	start    time.Time
	mu       sync.Mutex
	accepted [][]int // requests that the server let through
	rejected [][]int // requests that it answered with 429
	Finished int     // calls that came back with 200
	Failed   int     // calls that came back with anything else
	waits    []time.Duration
	People   []time.Duration // waits of calls that somebody waits for
	done     []int           // calls that worked, by tenth of a second, where programs have work
	Last     time.Duration   // when the last call finished
}

func newResult(s Scenario) *Result {
	r := &Result{limit: s.Limit, start: time.Now()}
	for _, p := range s.Programs {
		r.work = r.work || p.Work != nil
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
	if r.work {
		return // only those that have work to do are looked at
	}
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

// worked notes a call of a program's work, or one that somebody waited for.
func (r *Result) worked(asked time.Time, person bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if person {
		r.People = append(r.People, time.Since(asked))
		return
	}
	r.Finished++
	r.Last = time.Since(r.start)
	r.waits = append(r.waits, time.Since(asked))
	tenth := int(r.Last / (time.Second / 10))
	for len(r.done) <= tenth {
		r.done = append(r.done, 0)
	}
	r.done[tenth]++
}

// Timeline is how many calls had worked by the end of each half second.
func (r *Result) Timeline() []int {
	var all []int
	n := 0
	for i, tenth := range r.done {
		n += tenth
		if i%5 == 4 || i == len(r.done)-1 {
			all = append(all, n)
		}
	}
	return all
}

// failed notes that a call came back failed, although it will be asked again.
func (r *Result) failed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Failed++
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
	return 1000 * float64(r.Rejected(from, to, programs...)) / float64(max(r.Total(from, to, programs...), 1))
}

// Share returns the part that the given programs (none: all) used of what the
// others left of the limit.
func (r *Result) Share(from, to time.Duration, programs ...int) float64 {
	used := r.Total(from, to, programs...)
	others := r.Total(from, to) - used
	return float64(used) / (float64(r.limit)*float64(to-from)/float64(Window) - float64(others))
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
func (r *Result) Wait(quantile float64) time.Duration { return at(r.waits, quantile) }

// PeopleWait is Wait for the calls that somebody waited for.
func (r *Result) PeopleWait(quantile float64) time.Duration { return at(r.People, quantile) }

func at(waits []time.Duration, quantile float64) time.Duration {
	if len(waits) == 0 {
		return 0
	}
	slices.Sort(waits)
	return waits[int(quantile*float64(len(waits)-1))]
}

// Length is a span of time that has all of the run in it.
func (r *Result) Length() time.Duration {
	return time.Duration(len(r.accepted[0])) * time.Second
}

// Total is how many requests of the given programs (none: all) the server let
// through.
func (r *Result) Total(from, to time.Duration, programs ...int) int {
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
