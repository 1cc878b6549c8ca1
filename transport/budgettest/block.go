package budgettest

import (
	"context"
	"sync/atomic"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// What a 429 does: the block, and the learned rate.

const ample = 1000 // a limit that nothing here reaches

// blockHoldsAllPrograms: a block that one program meets holds both until it ends.
func blockHoldsAllPrograms(e *env) {
	a, b := e.pair()
	e.route("/", e.limit("shared", ample))
	a.getNow("/")
	b.getNow("/")
	end := a.block("/", 2)
	e.eventually("the other program hears of the block", func() bool { return b.patient.Snapshot().Endpoints[0].BlockedUntil != nil })
	if now := e.since(); !e.real && now > e.windows(0.5) {
		e.Errorf("the other program heard of the block at %s", now)
	}
	for _, p := range []*program{a, b} {
		e.times(5, func() { p.get("/") })
		p.refused("/", "", end)
	}
	e.Wait()
	for _, v := range e.server.log("")[3:] {
		e.at("a request behind the block was sent", v.at, end)
	}
}

// learnedRateApplies: the learned rate applies from a 429 until it has climbed back to the limit.
func learnedRateApplies(e *env) {
	e.learn = true
	l := e.limit("shared", 100)
	l.Window /= 4
	e.route("/", l)
	var seen notes
	p := e.program(seen.observe)
	p.block("/", 0.05)
	e.times(30, func() { p.get("/") })
	e.Wait()
	inTime := !e.real || p.since() < e.windows(1) // on a slow machine it may be over already
	if inTime && seen.count("waited rate shared") == 0 {
		e.Errorf("no request waited for the learned rate: %q", seen.all())
	}
	e.pause(5)
	for range 3 {
		p.get("/")
		_ = p.patient.Snapshot()
	}
	if learned, forgotten := seen.count("rate learned"), seen.count("rate forgotten"); learned != 1 || forgotten != 1 {
		e.Errorf("%d events of a learned rate and %d of its end, want one each: %q", learned, forgotten, seen.all())
	}
}

// learnedRateRefusesTheSame: sixty requests that may wait for four windows come after
// a 429. The climb of the rate counts, not only its value right after the event.
func learnedRateRefusesTheSame(e *env) {
	const callers = 60
	e.learn = true
	refused := func(path string, budget transport.Budget) int32 {
		e.route(path, e.limit(path, 100))
		p := e.program(func(c *transport.Config) {
			if c.Budget = budget; !e.real {
				c.MaxWait = e.windows(4)
			}
		})
		for range 20 {
			p.getNow(path)
		}
		p.block(path, 0.1)
		var n atomic.Int32
		e.times(callers, func() {
			err := e.send(context.Background(), p.patient, path)
			if refusal(err).Reason == transport.ReasonMaxWait {
				n.Add(1)
			} else if err != nil {
				e.Error(err)
			}
		})
		e.Wait()
		return n.Load()
	}
	if alone, got := refused("/alone", nil), refused("/shared", e.budget); got != alone {
		e.Errorf("%d of %d requests are refused, want %d as without a budget", got, callers, alone)
	}
}
