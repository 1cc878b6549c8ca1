package budgettest

import (
	"context"
	"errors"
	"sync"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// The rate that 429s teach.

// learn has the requests to a path draw on a limit, and learn from 429s.
func (e *env) learn(path string, l transport.Limit) {
	e.routes[path] = &route{limits: []transport.Limit{l}, rate: l}
}

func learnedRatePaces(e *env) {
	const n, callers = 100, 30
	e.learn("/", e.limit("shared", n))
	var seen notes
	p := e.program(seen.observe)
	p.blocked("/", 0.1)
	all := e.crowd()
	for range 2 {
		all.times(callers, func() { p.get("/") })
		all.Wait()
	}
	if seen.count("waited rate shared") == 0 || seen.count("rate learned") == 0 {
		e.Errorf("nobody waited for the learned rate: %q", seen.all())
	}
	if most, sent := e.server.most(e.window), len(e.server.log("")); sent != 1+2*callers || most > n {
		e.Errorf("%d sent, %d in a window", sent, most)
	}
}

// learnedRateRefusesTheSame: sixty requests that may wait for four windows, after a
// 429. A rate that climbs is not taken for what it is right after the event.
func learnedRateRefusesTheSame(e *env) {
	const callers = 60
	refused := func(budget transport.Budget) int {
		// The same happens twice, to two servers.
		e := *e
		e.budget, e.server, e.prefix = budget, &server{start: e.start}, e.prefix+"again "
		e.learn("/", e.limit("shared", 100))
		bound := 4.0
		if e.real {
			bound = 100
		}
		p := e.program(func(c *transport.Config) { c.MaxWait = e.windows(bound) })
		for range 20 {
			p.now("/")
		}
		p.blocked("/", 0.1)
		all := e.crowd()
		var mu sync.Mutex
		n := 0
		all.times(callers, func() {
			err := e.send(context.Background(), p.patient, "/")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.As(err, new(*transport.ThrottledError)):
				n++
			case err != nil:
				e.Error(err)
			}
		})
		all.Wait()
		return n
	}
	want := 0
	if !e.real {
		want = refused(nil)
	}
	if got := refused(e.budget); got != want {
		e.Errorf("%d of %d are refused, want %d as without a budget", got, callers, want)
	}
}

func learnedRateIsForgotten(e *env) {
	l := e.limit("shared", 100)
	l.Window /= 20
	e.learn("/", l)
	var seen notes
	p := e.program(seen.observe)
	p.blocked("/", 0.01)
	if n := seen.count("rate learned"); n != 1 {
		e.Errorf("told of a learned rate %d times: %q", n, seen.all())
	}
	e.pause(5)
	for range 3 {
		p.get("/")
		_ = p.patient.Snapshot()
	}
	if n := seen.count("rate forgotten"); n != 1 {
		e.Errorf("told that it is forgotten %d times: %q", n, seen.all())
	}
}
