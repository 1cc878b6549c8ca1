package sim

import (
	"slices"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/served"
)

// Result is what a run brought.
type Result struct {
	*served.Counts // what the server answered, by program and second

	start time.Time
	mu    sync.Mutex

	// Of programs that have [Work]:
	Finished int             // calls that worked
	Failed   int             // answers and errors on the way there that were no success
	Last     time.Duration   // when the last call had worked
	waits    []time.Duration // of calls, from first asking to having the answer
	people   []time.Duration // of calls that somebody waits for
	done     []time.Duration // when each call had worked, in order
}

// answered counts an answer of the server.
func (r *Result) answered(program int, accepted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Answer(program, time.Since(r.start), accepted)
}

// worked notes a call of a program's work, or one that somebody waited for.
func (r *Result) worked(asked time.Time, person bool) {
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

// failed notes that a call came back failed, although it will be asked again.
func (r *Result) failed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Failed++
}

// Timeline is how many calls had worked by the end of each half second.
func (r *Result) Timeline() []int {
	var all []int
	for i, at := range r.done {
		for at >= time.Duration(len(all)+1)*time.Second/2 {
			all = append(all, i)
		}
	}
	return append(all, len(r.done))
}

// Wait returns a quantile of how long calls took, from asking to answer.
func (r *Result) Wait(quantile float64) time.Duration { return at(r.waits, quantile) }

// PeopleWait is Wait for the calls that somebody waited for.
func (r *Result) PeopleWait(quantile float64) time.Duration { return at(r.people, quantile) }

// People is how many calls there were that somebody waited for.
func (r *Result) People() int { return len(r.people) }

func at(waits []time.Duration, quantile float64) time.Duration {
	if len(waits) == 0 {
		return 0
	}
	slices.Sort(waits)
	return waits[int(quantile*float64(len(waits)-1))]
}
