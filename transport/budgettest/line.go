package budgettest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Order in the line, its bound, and waiters that leave.

// takeTurns sends requests in an order while one before them has the only token,
// and no answer yet.
func takeTurns(e *env) {
	crowd := strings.Repeat("i", 25)
	for come, want := range map[string]string{
		"123456":     "123456",  // first come, first served
		"bbnnii":     "iinnbb",  // but higher classes go first
		"xxxxyyz":    "xyzxyxx", // flows take turns
		"bn" + crowd: "",        // and no class starves: a waiting one gets one turn in eleven
	} {
		path := "/" + come
		turn := e.limit(come, 1)
		turn.Window /= 8
		e.route(path, turn)
		p := e.program()
		release := p.occupy(path)
		for i, letter := range strings.Split(come, "") {
			e.Go(func() { p.get(path + "?" + letter) })
			p.arrived(2 + i)
		}
		release()
		e.Wait()
		order := e.server.order(path)[1:]
		if b, n := strings.Index(order, "b"), strings.Index(order, "n"); want != "" && order != want || want == "" && max(b, n) > 10 {
			e.Errorf("requests %s went in the order %s", come, order)
		}
	}
}

// occupy sends a request that is not answered until release is called.
func (p *program) occupy(path string) (release func()) {
	release = p.server.hold(path)
	p.Cleanup(release)
	p.Go(func() { p.get(path + "?i") })
	p.eventually("the first request arrives", func() bool { return len(p.server.log(path)) == 1 })
	return release
}

func cancelLeavesNoTrace(e *env) {
	own, shared := e.limit("own", 1), e.limit("shared", 1)
	e.route("/me", own, shared)
	e.route("/", shared)
	p := e.program()
	p.getNow("/")
	gone, cancel := context.WithCancel(e.Context())
	for i := range 3 { // the first takes its own token and waits for a shared one
		e.Go(func() {
			if err := e.send(gone, p.patient, "/me"); !errors.Is(err, context.Canceled) {
				e.Errorf("got %v, want context.Canceled", err)
			}
		})
		p.arrived(2 + i)
	}
	e.Go(func() { p.get("/me") }) // one behind them, which stays
	p.arrived(5)
	cancel()
	e.Wait()
	if mine := e.server.log("/me"); len(mine) != 1 {
		e.Errorf("%d sent, want 1", len(mine))
	} else {
		e.at("the request behind was sent", mine[0].at, e.freeAt("/", 0))
	}
}

// hopelessDeadlineIsRefused: a request that would get its token after its deadline
// is refused at once.
func hopelessDeadlineIsRefused(e *env) {
	e.route("/limit", e.limit("own", 1))
	e.route("/block", e.limit("shared", ample))
	p := e.program()
	check := func(path string, hold transport.Hold, end time.Time) {
		ctx, cancel := context.WithDeadline(e.Context(), end.Add(-e.slack/10)) // clocks are read twice
		defer cancel()
		before := e.since()
		err := e.send(ctx, p.patient, path)
		if r := refusal(err); r.Reason != transport.ReasonDeadline || r.Hold != hold || !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			if !e.real || ctx.Err() == nil {
				e.Errorf("%s: %v, want a refusal because of the deadline, before it passes", path, err)
			}
		}
		e.at("refused", e.since(), before)
	}
	p.getNow("/limit")
	check("/limit", transport.HoldLimit, e.start.Add(e.freeAt("/limit", 0)-e.window/2))
	p.block("/block", 1)
	for _, s := range p.patient.Snapshot().Endpoints {
		if s.BlockedUntil != nil {
			check("/block", transport.HoldBlock, *s.BlockedUntil)
		}
	}
}

// queueHasABound: in a full queue the newest waiter of the lowest class gives way.
func queueHasABound(e *env) {
	const bound = 3
	e.route("/", e.limit("shared", 1))
	p := e.program(func(c *transport.Config) { c.MaxQueue = bound })
	release := p.occupy("/")
	var full atomic.Int32
	batch := func() {
		err := e.send(context.Background(), p.patient, "/?b")
		if refusal(err).Reason == transport.ReasonQueueFull {
			full.Add(1)
		} else if err != nil {
			e.Errorf("got %v", err)
		}
	}
	e.times(bound, batch)
	p.arrived(1 + bound)
	batch()
	e.Go(func() { p.get("/?i") })
	e.eventually("two requests are refused", func() bool { return full.Load() == 2 })
	release()
	e.Wait()
	if order := e.server.order("/"); order != "iibb" || full.Load() != 2 {
		e.Errorf("the order was %s, and %d were refused", order, full.Load())
	}
}
