package budgettest

import (
	"slices"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// What a window holds, and when its tokens come back.

// neverMoreThanN lets requests arrive anywhere between sending and answer: no
// window, wherever it begins, may see more than N of them.
func neverMoreThanN(e *env) {
	const n, requests = 5, 40
	c := e.claim("GET /", e.limit("shared", n))
	var arrived moments
	var all sync.WaitGroup
	for i := range requests {
		all.Go(func() {
			lease := e.take(c, e.patient())
			way := e.windows(float64(i*i%7) / 20)
			time.Sleep(way)
			arrived.add(e.since())
			time.Sleep(e.windows(float64(i*i%11)/20) + e.slack/10)
			lease.Settle(transport.Answered)
		})
	}
	all.Wait()
	slices.Sort(arrived.at)
	for i := n; i < len(arrived.at); i++ {
		if apart := arrived.at[i] - arrived.at[i-n]; apart < e.window {
			e.Errorf("%d requests arrived within %s, from %s on", n+1, apart, arrived.at[i-n])
		}
	}
	if len(arrived.at) != requests {
		e.Errorf("%d requests arrived, want %d", len(arrived.at), requests)
	}
}

// nAtOnceWhenIdle: nobody waits while a token is free.
func nAtOnceWhenIdle(e *env) {
	const n = 20
	c := e.claim("GET /", e.limit("shared", n))
	for round := range 3 {
		for range n {
			e.spend(c, 0)
		}
		if refusal := e.refused(c); refusal.Hold != transport.HoldLimit || refusal.N != n || refusal.Window != e.window || refusal.Endpoint != "GET /" {
			e.Errorf("the refusal says %+v", refusal)
		}
		time.Sleep(e.window + e.slack)
		if e.Failed() {
			e.Fatalf("in round %d", round)
		}
	}
}

// tokenComesBackAWindowLater: counted from the answer, not from sending.
func tokenComesBackAWindowLater(e *env) {
	c := e.claim("GET /", e.limit("shared", 1))
	lease := e.take(c, 0)
	e.until(1.5)
	_ = e.refused(c) // a window after sending, and no answer yet
	answered := e.since()
	lease.Settle(transport.Answered)
	lease.Settle(transport.Unsent) // a second time does not count
	refusal := e.refused(c)
	e.near("the time to wait", refusal.Wait+e.slack/2, e.window)
	next := e.take(c, e.patient())
	e.near("the second was sent", e.since(), answered+e.window)
	e.near("its wait", next.Waited()+e.slack/2, e.window)
	next.Settle(transport.Answered)
}

// outcomes: what each of them does to the token.
func outcomes(e *env) {
	for name, o := range map[string]transport.Outcome{
		"failed": transport.Failed, "answered": transport.Answered, "throttled": transport.Throttled, "ruled": transport.Ruled,
	} {
		c := e.claim("GET /"+name, e.limit(name, 1))
		e.take(c, 0).Settle(o)
		if _ = e.refused(c); e.Failed() {
			e.Fatalf("%s: the token came back at once", name)
		}
		sent := e.since()
		e.spend(c, e.patient())
		e.near(name+": the time until the token came back", e.since()-sent+e.slack/2, e.window)
	}
	unsent := e.claim("GET /unsent", e.limit("unsent", 1))
	for range 10 {
		e.take(unsent, 0).Settle(transport.Unsent)
	}
}

// severalLimits: a request takes a token of each, or of none.
func severalLimits(e *env) {
	a, b := e.limit("a", 2), e.limit("b", 3)
	both, onlyA, onlyB := e.claim("GET /", a, b), e.claim("GET /a", a), e.claim("GET /b", b)
	e.spend(both, 0)
	e.spend(both, 0)
	for range 5 { // a is used up: what is refused takes nothing of b
		if refusal := e.refused(both); refusal.Limit != "a" {
			e.Errorf("held by %q, want a", refusal.Limit)
		}
	}
	_ = e.refused(onlyA)
	e.spend(onlyB, 0)
	_ = e.refused(onlyB)
}

// privateBeforeShared: who waits for a limit of his own holds no shared token.
func privateBeforeShared(e *env) {
	own, shared := e.limit("own", 1), e.limit("shared", 4)
	mine, others := e.claim("GET /me", own, shared), e.claim("GET /", shared)
	e.spend(mine, 0)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { e.spend(mine, e.patient()) })
	}
	e.settled()
	for range 3 {
		e.spend(others, 0)
	}
	all.Wait()
	e.near("the last was sent", e.since(), 2*e.window)
}
