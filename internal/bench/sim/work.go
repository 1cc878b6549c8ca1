package sim

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
)

// work makes a program's callers do its work, with people calling in between.
func (s Scenario) work(ctx context.Context, p Program, program int, client http.RoundTripper, r *Result) {
	batch, people := ctx, ctx
	if p.Work.People > 0 {
		batch = clerkthrottle.WithPriority(ctx, clerkthrottle.Batch)
		people = clerkthrottle.WithPriority(ctx, clerkthrottle.Interactive)
	}
	people, leave := context.WithCancel(people)
	var callers, others sync.WaitGroup
	for i := range p.Work.People {
		others.Go(func() {
			random := rand.New(rand.NewPCG(s.Seed, uint64(program)<<32|1<<31|uint64(i)))
			for people.Err() == nil {
				Pause(people, time.Duration(random.ExpFloat64()*float64(time.Second)))
				s.get(people, client, random.Uint64(), r, true)
			}
		})
	}
	var asked atomic.Int64
	for i := range p.Callers {
		callers.Go(func() {
			// Start callers one microsecond apart, so that their order follows from
			// the scenario and not from the scheduler.
			Pause(ctx, time.Duration(i)*time.Microsecond)
			for ctx.Err() == nil {
				n := asked.Add(1)
				if n > int64(p.Work.Calls) {
					return
				}
				s.get(batch, client, uint64(program)<<32|uint64(n), r, false)
			}
		})
	}
	callers.Wait()
	leave()
	others.Wait()
}

// get repeats a call until it succeeds. Its random numbers follow from what it is,
// not from which caller happens to make it.
func (s Scenario) get(ctx context.Context, client http.RoundTripper, id uint64, r *Result, person bool) {
	draws := rand.New(rand.NewPCG(s.Seed, id))
	endpoints := s.endpoints()
	path := endpoints[draws.IntN(len(endpoints))]
	for start := time.Now(); ctx.Err() == nil; Pause(ctx, retryPause) {
		// Use a context per attempt, as in a server that handles a request: what a
		// client ties to it ends with the attempt.
		own, end := context.WithCancel(ctx)
		ok := send(own, client, path, draws)
		end()
		switch {
		case ctx.Err() != nil:
		case ok:
			r.succeeded(start, person)
			return
		default:
			r.failed()
		}
	}
}
