package budgettest

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Two programs on one budget.

// pair returns two programs of a budget. Without one, there is nothing to test.
func (e *env) pair(change ...func(*transport.Config)) (a, b *program) {
	e.Helper()
	if e.budget == nil {
		e.Skip("without a budget there is one program")
	}
	return e.program(change...), e.program(change...)
}

func neverMoreThanNOfTwo(e *env) {
	const n, requests = 10, 80
	a, b := e.pair()
	e.route("/", e.limit("shared", n))
	e.server.takes = e.uneven
	all := e.crowd()
	all.times(requests/2, func() { a.get("/") })
	e.pause(0.3) // the first has all there is
	all.times(requests/2, func() { b.get("/") })
	all.Wait()
	if most, sent := e.server.most(e.window), len(e.server.log("")); most > n || sent != requests {
		e.Errorf("%d requests arrived, want %d, and %d within a window, want %d at most", sent, requests, most, n)
	}
}

// loops has a program's callers send one request after the other until a function
// says no, and names them by a letter.
func (p *program) loops(all *crowd, callers int, ctx context.Context, letter string, more func() bool) {
	all.times(callers, func() {
		for more() {
			p.getAs(ctx, "/?"+letter)
		}
	})
}

// sameToBoth: two who want all there is get half each, even if the first had it all;
// and whoever waits alone at first is not told that a single token is his part.
func sameToBoth(e *env) {
	const n, callers = 20, 30
	a, b := e.pair(func(c *transport.Config) { c.MaxWait = e.windows(12) })
	e.route("/", e.limit("shared", n))
	var done atomic.Bool
	more := func() bool { return !done.Load() && !e.Failed() }
	all := e.crowd()
	a.loops(all, callers, context.Background(), "a", more)
	a.come(callers)
	b.loops(all, 1, context.Background(), "b", more)
	e.pause(0.1)
	b.loops(all, callers-1, context.Background(), "b", more)
	e.eventually("many went", func() bool { return len(e.server.log("")) >= 10*n })
	order := e.server.order("/")
	done.Store(true)
	all.Wait()
	late := order[3*n:]
	if of := strings.Count(late, "a"); of < len(late)*2/5 || of > len(late)*3/5 {
		e.Errorf("of %d that went, %d were the first's", len(late), of)
	}
	if most := e.server.most(e.window); most > n {
		e.Errorf("%d in a window", most)
	}
}

// betterClassesOfEither: whoever works for people gets what comes back first.
func betterClassesOfEither(e *env) {
	const n, people = 20, 8
	a, b := e.pair()
	e.route("/", e.limit("shared", n))
	var done atomic.Bool
	all, some := e.crowd(), e.crowd()
	a.loops(all, 2*n, as(transport.Batch), "b", func() bool { return !done.Load() && !e.Failed() })
	e.eventually("the batch has all there is", func() bool { return len(e.server.log("")) >= n })
	some.times(people, func() { b.getAs(as(transport.Interactive), "/?i") })
	some.Wait()
	order := e.server.order("/")
	done.Store(true)
	all.Wait()
	// They come when the window's tokens do, but for what has been given out when
	// the news arrives.
	if before := strings.LastIndex(order, "i"); before > 3*n {
		e.Errorf("they went in the order %s", order)
	}
}

// reserveHoldsBetween: a burst of one program's batch leaves the reserve to the
// other.
func reserveHoldsBetween(e *env) {
	const n, people = 20, 10
	a, b := e.pair(func(c *transport.Config) { c.ReserveInteractive = 0.5 })
	e.route("/", e.limit("shared", n))
	b.nowAs(as(transport.Interactive), "/?i") // it is there
	all := e.crowd()
	all.times(3*n, func() { a.getAs(as(transport.Batch), "/?b") })
	e.eventually("the batch has what it may have", func() bool { return len(e.server.log("/?b")) >= n/4 })
	e.pause(0.1)
	for range people - 1 {
		b.nowAs(as(transport.Interactive), "/?i")
	}
	order := e.server.order("/?")
	all.Wait()
	if before := strings.Count(order, "b"); before > n-people && !e.real {
		e.Errorf("%d of batch went before people's", before)
	}
	if most := e.server.most(e.window); most > n {
		e.Errorf("%d in a window", most)
	}
}

func blockReachesTheOther(e *env) {
	a, b := e.pair()
	e.route("/", e.limit("shared", wide))
	a.now("/")
	b.now("/")
	end := a.blocked("/", 10)
	e.eventually("the other hears of it", func() bool {
		s := b.patient.Snapshot().Endpoints
		return s[0].BlockedUntil != nil
	})
	if r := b.refused("/", end); r != nil && r.Hold != transport.HoldBlock {
		e.Errorf("held by %q, want the block", r.Hold)
	}
	if now := e.since(); !e.real && now > e.windows(0.5) {
		e.Errorf("it heard of it at %s", now)
	}
}

func closingLeavesTokens(e *env) {
	const n = 10
	a, b := e.pair()
	e.route("/", e.limit("shared", n))
	for range n {
		a.now("/")
	}
	e.pause(1)
	if err := a.patient.Close(); err != nil {
		e.Error(err)
	}
	closed := e.since()
	for range n {
		b.get("/")
	}
	e.at("the last was sent", e.server.log("")[2*n-1].at, closed)
}

// idleLeavesTokens: what one used and no longer needs, the other gets.
func idleLeavesTokens(e *env) {
	const n = 10
	a, b := e.pair()
	e.route("/", e.limit("shared", n))
	for range n {
		a.now("/")
	}
	all := e.crowd()
	all.times(3*n, func() { b.get("/") })
	all.Wait()
	log := e.server.log("")
	if last := log[len(log)-1].at; last > e.windows(5) && !e.real {
		e.Errorf("the last went at %s", last)
	}
	if most := e.server.most(e.window); most > n {
		e.Errorf("%d in a window", most)
	}
}
