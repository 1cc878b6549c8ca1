package sim

import (
	"slices"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/served"
)

// Result is the result of a run.
type Result struct {
	*served.Counts // the server's answers, by program and second

	start time.Time
	mu    sync.Mutex

	// Of programs with [Work]:
	Finished int             // calls that succeeded
	Failed   int             // answers and errors before that
	Last     time.Duration   // when the last call succeeded
	waits    []time.Duration // of calls, from the first attempt to success
	people   []time.Duration // the same for calls that a person waits for
	done     []time.Duration // when each call succeeded, in order
}

// answered counts an answer from the server.
func (r *Result) answered(program int, accepted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Answer(program, time.Since(r.start), accepted)
}

// succeeded records the success of a call of the program's work, or of one that a
// person waits for.
func (r *Result) succeeded(asked time.Time, person bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if person {
		r.people = append(r.people, time.Since(asked))
		return
	}
	r.Finished++
	r.Last = time.Since(r.start)
	r.waits = append(r.waits, time.Since(asked))
	r.done = append(r.done, r.Last)
}

// failed records a failed attempt, which will be repeated.
func (r *Result) failed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Failed++
}

// Timeline returns how many calls had succeeded by the end of each half second.
func (r *Result) Timeline() []int {
	var all []int
	for i, at := range r.done {
		for at >= time.Duration(len(all)+1)*time.Second/2 {
			all = append(all, i)
		}
	}
	return append(all, len(r.done))
}

// Wait returns a quantile of how long calls took, from the first attempt to success.
func (r *Result) Wait(quantile float64) time.Duration { return at(r.waits, quantile) }

// PeopleWait is Wait for the calls that a person waits for.
func (r *Result) PeopleWait(quantile float64) time.Duration { return at(r.people, quantile) }

// People returns the number of calls that a person waited for.
func (r *Result) People() int { return len(r.people) }

func at(waits []time.Duration, quantile float64) time.Duration {
	if len(waits) == 0 {
		return 0
	}
	slices.Sort(waits)
	return waits[int(quantile*float64(len(waits)-1))]
}
