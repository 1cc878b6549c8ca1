package budgettest

import (
	"context"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// The gate that a 429 closes. The limits of these tests are so wide that nothing
// else holds anybody.

const wide = 1000

// blocked blocks a path for so many windows, and returns until when it is at least.
func (p *program) blocked(path string, windows float64) time.Duration {
	p.Helper()
	p.server.answers(path, tooMany(p.windows(windows)))
	p.throttled(path)
	log := p.server.log(path)
	return log[len(log)-1].answered + p.windows(windows)
}

func blockHoldsEverybody(e *env) {
	e.route("/", e.limit("shared", wide))
	p := e.program()
	end := p.blocked("/", 1)
	all := e.crowd()
	all.times(5, func() { p.get("/") })
	p.come(6)
	if r := p.refused("/", end); r != nil && (r.Hold != transport.HoldBlock || r.Wait > e.window) {
		e.Errorf("the refusal says %+v", r)
	}
	all.Wait()
	for _, v := range e.server.log("")[1:] {
		e.at("one behind the block was sent", v.at, end)
	}
	p.now("/")
}

func blockLeavesOthersAlone(e *env) {
	shared := e.limit("shared", wide)
	e.route("/a", shared)
	e.route("/b", shared)
	p := e.program()
	p.blocked("/a", 1)
	p.now("/b")
}

func blockOnlyGrows(e *env) {
	e.route("/", e.limit("shared", wide))
	e.server.takes = func(nth int) (way, back time.Duration) {
		if nth < 2 {
			back = e.windows(0.3 + 0.3*float64(nth))
		}
		return 0, back
	}
	// Two are under way when it closes: a shorter block changes nothing, and a longer
	// one counts.
	e.server.answers("/", tooMany(e.windows(0.2)), tooMany(e.window))
	p := e.program()
	late := e.crowd()
	for i := range 2 {
		late.times(1, func() { p.throttled("/") })
		p.come(1 + i)
		e.eventually("it has arrived", func() bool { return len(e.server.log("")) == 1+i })
	}
	end := p.blocked("/", 1)
	e.until(e.windows(0.55))
	_ = p.refused("/", end)
	late.Wait()
	end = e.server.log("")[1].answered + e.window
	e.until(e.windows(1.1))
	_ = p.refused("/", end)
	p.get("/")
	e.at("it opened", e.server.log("")[3].at, end)
}

// blindBacksOff: how long, is not told; that it is a while, and that it ends, is.
func blindBacksOff(e *env) {
	e.route("/", e.limit("shared", wide))
	e.server.answers("/", tooMany(0))
	p := e.program()
	p.throttled("/")
	end := e.server.log("")[0].answered + 500*time.Millisecond // the least of the first step
	if r := p.refused("/", end); r != nil && r.Hold != transport.HoldBlock {
		e.Errorf("held by %q, want the block", r.Hold)
	}
	p.get("/")
	if at := e.server.log("")[1].at; at < end {
		e.Errorf("it opened at %s, want %s at least", at, end)
	}
}

// blockUpToTheDeadline: nothing is gained by waiting for it.
func blockUpToTheDeadline(e *env) {
	e.route("/", e.limit("shared", wide))
	p := e.program()
	p.blocked("/", 1)
	for _, s := range p.patient.Snapshot().Endpoints {
		ctx, cancel := context.WithDeadline(e.Context(), s.BlockedUntil.Add(-e.slack/10)) // clocks are read twice
		defer cancel()
		before := e.since()
		if r := e.beforehand(ctx, e.send(ctx, p.patient, "/")); r != nil && r.Hold != transport.HoldBlock {
			e.Errorf("held by %q, want the block", r.Hold)
		}
		e.at("refused", e.since(), before)
	}
}
