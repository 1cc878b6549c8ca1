package budgettest

import (
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Two programs on one budget. Without one they are the same, for which all this holds.

// contend has two programs want more than there is, the first before the second, and
// returns which part of what goes after so many windows is the second's.
func (e *env) contend(a, b *program, first, second string, windows int) float64 {
	const n, callers = 20, 30
	e.route("/", e.limit("shared", n))
	e.loops(callers, a, "/?"+first)
	a.come(callers)
	e.loops(1, b, "/?"+second)
	e.pause(0.1)
	e.loops(callers-1, b, "/?"+second)
	e.eventually("many went", func() bool { return len(e.server.log("")) >= (windows+7)*n })
	late := e.server.order("/")[windows*n:]
	e.stop()
	return float64(strings.Count(late, second)) / float64(len(late))
}

// sameToBoth: two programs that want all there is get half each, even if the first had
// it all; and one that has a single request in line at first is not told that a single
// token is its part.
func sameToBoth(e *env) {
	a, b := e.pair(func(c *transport.Config) { c.MaxWait = e.windows(12) })
	if part := e.contend(a, b, "1", "2", 3); part < 0.4 || part > 0.6 {
		e.Errorf("the second got %.2f of what went", part)
	}
}

// betterClassesOfEither: the program that works for people gets ten of eleven tokens,
// as soon as they have come back.
func betterClassesOfEither(e *env) {
	a, b := e.pair()
	if part := e.contend(a, b, "b", "i", 3); part < 0.75 {
		e.Errorf("people got %.2f of what went", part)
	}
}

// reserveHolds: a burst of one program's batch leaves the reserve to the other.
func reserveHolds(e *env) {
	const n, people = 20, 10
	a, b := e.pair(func(c *transport.Config) { c.ReserveInteractive = 0.5 })
	e.route("/", e.limit("shared", n))
	b.now("/?i") // it is there
	e.times(3*n, func() { a.get("/?b") })
	e.eventually("the batch has what it may have", func() bool { return strings.Count(e.server.order("/"), "b") >= n/4 })
	e.pause(0.1)
	for range people - 1 {
		b.now("/?i")
	}
	order := e.server.order("/")
	e.Wait()
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
	e.at("the last was sent", e.visit("", 2*n-1).at, closed)
}

// idleLeavesTokens: what one used and no longer needs, the other gets.
func idleLeavesTokens(e *env) {
	const n = 10
	a, b := e.pair()
	e.route("/", e.limit("shared", n))
	for range n {
		a.now("/")
	}
	e.times(3*n, func() { b.get("/") })
	e.Wait()
	if last := e.visit("", 4*n-1).at; last > e.windows(5) && !e.real {
		e.Errorf("the last went at %s", last)
	}
}
