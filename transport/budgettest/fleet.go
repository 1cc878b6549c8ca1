package budgettest

import (
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Two programs on one budget. Without one they are the same, for which all this holds.

// sameToBoth: two who want all there is get half each, even if the first had it all;
// and whoever waits alone at first is not told that a single token is his part.
func sameToBoth(e *env) {
	const n, callers = 20, 30
	a, b := e.pair(func(c *transport.Config) { c.MaxWait = e.windows(12) })
	e.route("/", e.limit("shared", n))
	all := e.crowd()
	all.loops(callers, a, "/?1")
	a.come(callers)
	all.loops(1, b, "/?2")
	e.pause(0.1)
	all.loops(callers-1, b, "/?2")
	e.eventually("many went", func() bool { return len(e.server.log("")) >= 10*n })
	late := e.server.order("/")[3*n:]
	all.stop()
	if of := strings.Count(late, "1"); of < len(late)*2/5 || of > len(late)*3/5 {
		e.Errorf("of %d that went, %d were the first's", len(late), of)
	}
}

// betterClassesOfEither: whoever works for people gets what comes back first.
func betterClassesOfEither(e *env) {
	const n, people = 20, 8
	a, b := e.pair()
	e.route("/", e.limit("shared", n))
	batch, some := e.crowd(), e.crowd()
	batch.loops(2*n, a, "/?b")
	e.eventually("the batch has all there is", func() bool { return len(e.server.log("")) >= n })
	some.times(people, func() { b.get("/?i") })
	some.Wait()
	order := e.server.order("/")
	batch.stop()
	// They come when the window's tokens do, but for what has been given out when
	// the news arrives.
	if before := strings.LastIndex(order, "i"); before > 3*n {
		e.Errorf("they went in the order %s", order)
	}
}

// reserveHolds: a burst of one program's batch leaves the reserve to the other.
func reserveHolds(e *env) {
	const n, people = 20, 10
	a, b := e.pair(func(c *transport.Config) { c.ReserveInteractive = 0.5 })
	e.route("/", e.limit("shared", n))
	b.now("/?i") // it is there
	all := e.crowd()
	all.times(3*n, func() { a.get("/?b") })
	e.eventually("the batch has what it may have", func() bool { return strings.Count(e.server.order("/"), "b") >= n/4 })
	e.pause(0.1)
	for range people - 1 {
		b.now("/?i")
	}
	order := e.server.order("/")
	all.Wait()
	if before := strings.Count(order, "b"); before > n-people && !e.real {
		e.Errorf("%d of batch went before people's", before)
	}
}

func closingLeavesTokens(e *env) {
	const n = 10
	a, b := e.pair()
	if a == b {
		e.Skip("it would be closed, too")
	}
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
	log := e.server.log("")
	e.at("the last was sent", log[len(log)-1].at, closed)
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
}
