package budgettest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// What a window holds, and when its tokens come back. Every test also checks that no
// window ever held more than N.

// neverMoreThanN: whenever requests arrive between sending and answer.
func neverMoreThanN(e *env) {
	const n, requests = 10, 80
	e.route("/", e.limit("shared", n))
	a, b := e.pair()
	for nth := range requests {
		e.server.answers("/", answer{way: e.windows(float64(nth*nth%7) / 20), back: e.windows(float64(nth*nth%11) / 20)})
	}
	e.times(requests/2, func() { a.get("/") })
	e.pause(0.3) // the first has all there is
	e.times(requests/2, func() { b.get("/") })
	e.Wait()
	if sent := len(e.server.log("")); sent != requests {
		e.Errorf("%d requests arrived, want %d", sent, requests)
	}
}

// nAtOnceWhenIdle: no request waits while a token is free, and a refusal spends none.
func nAtOnceWhenIdle(e *env) {
	const n = 20
	e.route("/", e.limit("shared", n))
	p := e.program()
	for round := range 3 {
		for range n {
			p.getNow("/")
		}
		for range 5 {
			p.refused("/", "shared", e.freeAt("/", round*n))
		}
		e.pause(1)
	}
}

// tokenComesBackAWindowLater: the window is counted from the answer, not from sending.
func tokenComesBackAWindowLater(e *env) {
	e.route("/", e.limit("shared", 1))
	e.server.answers("/", answer{back: e.windows(1.5)})
	p := e.program()
	e.Go(func() { p.get("/") })
	time.Sleep(e.windows(1.2))
	p.refused("/", "shared", e.windows(2.5)) // a window after sending, and no answer yet
	e.Wait()
	free := e.freeAt("/", 0)
	p.refused("/", "shared", free)
	p.get("/")
	e.at("the second was sent", e.visit("", 1).at, free)
}

// outcomes: what each outcome does to the token.
func outcomes(e *env) {
	const quota = "over the quota" // the body of a 429 that waiting does not cure
	p := e.program(func(c *transport.Config) {
		c.Ruled = func(body []byte) bool { return string(body) == quota }
	})
	for path, what := range map[string]answer{
		"/answered":  {status: http.StatusNotFound},
		"/failed":    {err: errors.New("connection reset by peer")},
		"/throttled": tooMany(e.window / 2),
		"/ruled":     {status: http.StatusTooManyRequests, body: quota},
		"/unsent":    {err: &net.OpError{Op: "dial", Err: context.DeadlineExceeded}},
	} {
		e.route(path, e.limit(path, 1))
		e.server.answers(path, what)
		if err := e.send(e.Context(), p.hasty, path); err == nil {
			e.Errorf("%s: no error", path)
		}
		if path == "/unsent" {
			p.getNow(path)
		}
		free := e.freeAt(path, 0)
		if path != "/throttled" {
			p.refused(path, path, free)
		}
		p.get(path)
		e.at(path+": the token came back", e.visit(path, 1).at, free)
	}
}

// severalLimits: a request takes a token of each limit, or none at all.
func severalLimits(e *env) {
	a, b := e.limit("a", 2), e.limit("b", 3)
	e.route("/", a, b)
	e.route("/a", a)
	e.route("/b", b)
	p := e.program()
	p.getNow("/")
	p.getNow("/")
	free := e.freeAt("/", 0)
	for range 5 { // a is used up: what is refused takes nothing of b
		p.refused("/", "a", free)
	}
	p.refused("/a", "a", free)
	p.getNow("/b")
	p.refused("/b", "b", free)
}

// manyPrivateLimits: each has all its tokens, however many of the others' are used.
func manyPrivateLimits(e *env) {
	const n, users = 3, 30
	user := e.limit("user", n)
	user.Private = true
	e.route("/", user)
	p := e.program()
	for u := range users {
		path := fmt.Sprint("/", u)
		for range n {
			p.getNow(path)
		}
		p.refused(path, "user", e.freeAt(path, 0))
		e.times(2*n, func() { p.get(path) })
	}
	e.Wait()
	if sent := len(e.server.log("")); sent != 3*n*users {
		e.Errorf("%d sent, want %d", sent, 3*n*users)
	}
}
