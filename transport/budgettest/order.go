package budgettest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Who goes first: classes, flows, reserves, and who gives way.

// lineUp has requests of the given classes, one for each letter, come in this order
// while one before them holds the only token. It returns the order in which they
// went.
func (p *program) lineUp(path, who string, ctx func(letter string) context.Context) string {
	p.Helper()
	p.now(path)
	all := p.crowd()
	for i, letter := range strings.Split(who, "") {
		all.times(1, func() { p.getAs(ctx(letter), path+"?"+letter) })
		p.come(2 + i)
	}
	all.Wait()
	return p.server.order(path)
}

// classOf is the class that a letter stands for.
func classOf(letter string) context.Context {
	switch letter {
	case "i":
		return as(transport.Interactive)
	case "b":
		return as(transport.Batch)
	}
	return as(transport.Normal)
}

func betterClassesGoFirst(e *env) {
	e.route("/", e.brief("shared", 1))
	if order := e.program().lineUp("/", "bbnnii", classOf); order != "iinnbb" {
		e.Errorf("they went in the order %s", order)
	}
}

// noClassStarves: as long as a class waits, one in eleven is of it.
func noClassStarves(e *env) {
	e.route("/", e.brief("shared", 1))
	order := e.program().lineUp("/", "bn"+strings.Repeat("i", 25), classOf)
	if b, n := strings.Index(order, "b"), strings.Index(order, "n"); b > 10 || n > 10 {
		e.Errorf("they went in the order %s", order)
	}
}

func flowsTakeTurns(e *env) {
	e.route("/", e.brief("shared", 1))
	flow := func(letter string) context.Context { return transport.WithFlow(context.Background(), letter) }
	if order := e.program().lineUp("/", "xxxxyyz", flow); order != "xyzxyxx" {
		e.Errorf("they went in the order %s", order)
	}
}

// reserveOutlastsABurst: half of the limit is left to those for whom it is kept.
func reserveOutlastsABurst(e *env) {
	const n = 10
	e.route("/", e.limit("shared", n))
	p := e.program(func(c *transport.Config) { c.ReserveInteractive = 0.5 })
	sent := p.burst("/", transport.Batch)
	first := e.server.log("")[0].answered
	if sent != n/2 && (!e.real || e.since() < first+e.window) {
		e.Errorf("%d of batch went at once, want %d", sent, n/2)
	}
	_ = p.refusedAs(as(transport.Normal), "/", first+e.window)
	for range n / 2 {
		p.nowAs(as(transport.Interactive), "/")
	}
	_ = p.refusedAs(as(transport.Interactive), "/", first+e.window)
}

// burst sends requests of a class that may not wait until one is refused, and
// returns how many went.
func (p *program) burst(path string, class transport.Priority) int {
	p.Helper()
	for n := 0; ; n++ {
		switch err := p.send(as(class), p.hasty, path); {
		case err == nil && n < 1000:
		case err != nil && errors.As(err, new(*transport.ThrottledError)):
			if n == 0 {
				p.Fatalf("not a single one went: %v", err)
			}
			return n
		default:
			p.Fatalf("%s after the start: number %d: %v", p.since(), n, err)
		}
	}
}

// queueHasABound: the newest of the lowest class gives way.
func queueHasABound(e *env) {
	const bound = 3
	e.route("/", e.brief("shared", 1))
	p := e.program(func(c *transport.Config) { c.MaxQueue = bound })
	p.now("/")
	all := e.crowd()
	var full atomic.Int32
	for range bound { // they hold their places if nobody better comes
		all.times(1, func() {
			err := e.send(as(transport.Batch), p.patient, "/?b")
			var refusal *transport.ThrottledError
			switch {
			case err == nil:
			case errors.As(err, &refusal) && refusal.Reason == transport.ReasonQueueFull && refusal.Queue == bound:
				full.Add(1)
			default:
				e.Errorf("got %v", err)
			}
		})
	}
	e.eventually("they wait", func() bool { return p.waiting() == bound || e.real && len(e.server.log("")) > 1 })
	late := e.send(as(transport.Batch), p.patient, "/?late")
	var refusal *transport.ThrottledError
	if !errors.As(late, &refusal) || refusal.Reason != transport.ReasonQueueFull {
		if !e.real || len(e.server.log("")) == 1 {
			e.Errorf("one more: %v, want a refusal, since the queue is full", late)
		}
	}
	p.getAs(as(transport.Interactive), "/?i")
	all.Wait()
	if order := e.server.order("/"); !e.real && (order != "ibb" || full.Load() != 1) {
		e.Errorf("they went in the order %s, and %d gave way", order, full.Load())
	}
}

// waiting returns how many wait in the program.
func (p *program) waiting() (n int) {
	s := p.patient.Snapshot()
	for _, l := range s.Limits {
		n += l.Waiting
	}
	for _, e := range s.Endpoints {
		n += e.Waiting
	}
	return n
}
