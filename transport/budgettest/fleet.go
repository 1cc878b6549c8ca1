package budgettest

import (
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Two programs on one budget. Without a budget they are the same one, and all this holds too.

// contend makes two programs want more than there is, the first before the second. It
// returns the second's part of what is sent after a number of windows.
func (e *env) contend(a, b *program, first, second string, windows int) float64 {
	const n, callers = 20, 30
	e.route("/", e.limit("shared", n))
	e.loops(callers, a, "/?"+first)
	a.arrived(callers)
	e.loops(1, b, "/?"+second)
	e.pause(0.1)
	e.loops(callers-1, b, "/?"+second)
	e.eventually("many requests are sent", func() bool { return len(e.server.log("")) >= (windows+7)*n })
	late := e.server.order("/")[windows*n:]
	e.stop()
	return float64(strings.Count(late, second)) / float64(len(late))
}

// shareEqually: two programs that want all there is get half each, even if the first
// had it all. One that has a single waiter at first is not told that its part is a
// single token.
func shareEqually(e *env) {
	a, b := e.pair(func(c *transport.Config) { c.MaxWait = e.windows(12) })
	if part := e.contend(a, b, "1", "2", 3); part < 0.4 || part > 0.6 {
		e.Errorf("the second program sent %.2f of the requests, want about half", part)
	}
}

// higherClassesFirst: a program with interactive requests gets ten of eleven
// tokens, as soon as they come back.
func higherClassesFirst(e *env) {
	a, b := e.pair()
	if part := e.contend(a, b, "b", "i", 3); part < 0.75 {
		e.Errorf("interactive requests are %.2f of those sent, want about 10/11", part)
	}
}

// reserveHolds: a burst of batch in one program leaves the reserve to the other.
func reserveHolds(e *env) {
	const n, people = 20, 10
	a, b := e.pair(func(c *transport.Config) { c.ReserveInteractive = 0.5 })
	e.route("/", e.limit("shared", n))
	b.getNow("/?i") // b joins
	e.times(3*n, func() { a.get("/?b") })
	e.eventually("batch requests have used their tokens", func() bool { return strings.Count(e.server.order("/"), "b") >= n/4 })
	e.pause(0.1)
	for range people - 1 {
		b.getNow("/?i")
	}
	order := e.server.order("/")
	e.Wait()
	if before := strings.Count(order, "b"); before > n-people && !e.real {
		e.Errorf("%d batch requests went before the interactive ones", before)
	}
}

func closingLeavesTokens(e *env) {
	const n = 10
	a, b := e.pair()
	if a == b {
		e.Skip("without a budget there is only one program")
	}
	e.route("/", e.limit("shared", n))
	for range n {
		a.getNow("/")
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

// idleLeavesTokens: one gets the tokens that the other has used and no longer needs.
func idleLeavesTokens(e *env) {
	const n = 10
	a, b := e.pair()
	e.route("/", e.limit("shared", n))
	for range n {
		a.getNow("/")
	}
	e.times(3*n, func() { b.get("/") })
	e.Wait()
	if last := e.visit("", 4*n-1).at; last > e.windows(5) && !e.real {
		e.Errorf("the last request was sent at %s", last)
	}
}
