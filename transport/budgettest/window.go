package budgettest

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// What a window holds, and when its tokens come back.

// uneven lets requests arrive anywhere between sending and answer.
func (e *env) uneven(nth int) (way, back time.Duration) {
	return e.windows(float64(nth*nth%7) / 20), e.windows(float64(nth*nth%11) / 20)
}

func neverMoreThanN(e *env) {
	const n, requests = 5, 30
	e.route("/", e.limit("shared", n))
	e.server.takes = e.uneven
	p := e.program()
	all := e.crowd()
	all.times(requests, func() { p.get("/") })
	all.Wait()
	if most, sent := e.server.most(e.window), len(e.server.log("")); most > n || sent != requests {
		e.Errorf("%d requests arrived, want %d, and %d within a window, want %d at most", sent, requests, most, n)
	}
}

// nAtOnceWhenIdle: nobody waits while a token is free.
func nAtOnceWhenIdle(e *env) {
	const n = 20
	e.route("/", e.limit("shared", n))
	p := e.program()
	for round := range 3 {
		for range n {
			p.now("/")
		}
		free := e.server.log("")[round*n].answered + e.window
		if r := p.refused("/", free); r != nil && (r.Hold != transport.HoldLimit || r.Limit != "shared" || r.N != n || r.Window != e.window || r.Endpoint != "GET /") {
			e.Errorf("the refusal says %+v", r)
		}
		e.pause(1)
		if e.Failed() {
			e.Fatalf("in round %d", round)
		}
	}
}

// tokenComesBackAWindowLater: counted from the answer, not from sending.
func tokenComesBackAWindowLater(e *env) {
	e.route("/", e.limit("shared", 1))
	e.server.takes = func(nth int) (way, back time.Duration) {
		if nth == 0 {
			back = e.windows(1.5)
		}
		return 0, back
	}
	p := e.program()
	all := e.crowd()
	all.times(1, func() { p.get("/") })
	e.until(e.windows(1.2))
	_ = p.refused("/", e.windows(2.5)) // a window after sending, and no answer yet
	all.Wait()
	free := e.server.log("")[0].answered + e.window
	if r := p.refused("/", free); r != nil && r.Wait > e.window {
		e.Errorf("a wait of %s is told, want a window at most", r.Wait)
	}
	p.get("/")
	e.at("the second was sent", e.server.log("")[1].at, free)
}

// outcomes: what each of them does to the token.
func outcomes(e *env) {
	p := e.program(func(c *transport.Config) {
		c.Ruled = func(body []byte) bool { return string(body) == quota }
	})
	for path, what := range map[string]answer{
		"/answered": status(http.StatusNotFound), "/failed": broken, "/throttled": tooMany(e.window / 2), "/ruled": overQuota,
	} {
		e.route(path, e.limit(path, 1))
		e.server.answers(path, what)
		if err := e.send(e.Context(), p.hasty, path); err == nil {
			e.Errorf("%s: no error", path)
		}
		free := e.server.log(path)[0].answered + e.window
		if _ = p.refused(path, free); e.Failed() {
			e.Fatalf("%s: the token came back at once", path)
		}
		p.get(path)
		e.at(path+": the token came back", e.server.log(path)[1].at, free)
	}
	e.route("/unsent", e.limit("unsent", 1))
	for range 10 {
		e.server.answers("/unsent", neverSent)
		if err := e.send(e.Context(), p.hasty, "/unsent"); err == nil {
			e.Error("unsent: no error")
		}
	}
	if n := len(e.server.log("/unsent")); n != 10 {
		e.Errorf("%d of 10 that never left got a token", n)
	}
}

// severalLimits: a request takes a token of each, or of none.
func severalLimits(e *env) {
	a, b := e.limit("a", 2), e.limit("b", 3)
	e.route("/", a, b)
	e.route("/a", a)
	e.route("/b", b)
	p := e.program()
	p.now("/")
	p.now("/")
	free := e.server.log("")[0].answered + e.window
	for range 5 { // a is used up: what is refused takes nothing of b
		if r := p.refused("/", free); r != nil && r.Limit != "a" {
			e.Errorf("held by %q, want a", r.Limit)
		}
	}
	_ = p.refused("/a", free)
	p.now("/b")
	_ = p.refused("/b", free)
}

// privateBeforeShared: who waits for a limit of his own holds no shared token.
func privateBeforeShared(e *env) {
	own, shared := e.limit("own", 1), e.limit("shared", 4)
	e.route("/me", own, shared)
	e.route("/", shared)
	p := e.program()
	p.now("/me")
	all := e.crowd()
	all.times(2, func() { p.get("/me") })
	p.come(3)
	for range 3 {
		p.now("/")
	}
	all.Wait()
	mine := e.server.log("/me")
	for i := 1; i < len(mine); i++ {
		if mine[i].at < mine[i-1].answered+e.window {
			e.Errorf("number %d of the own limit came at %s, the one before was answered at %s", i, mine[i].at, mine[i-1].answered)
		}
	}
}

func manyPrivateLimits(e *env) {
	const n, users = 3, 30
	e.route("/users/", e.private("user", n))
	p := e.program()
	for u := range users {
		path := fmt.Sprint("/users/", u)
		for range n {
			p.now(path)
		}
		_ = p.refused(path, e.server.log(path)[0].answered+e.window)
	}
	all := e.crowd()
	for u := range users {
		all.times(2*n, func() { p.get(fmt.Sprint("/users/", u)) })
	}
	all.Wait()
	for u := range users {
		at := slices.DeleteFunc(e.server.log("/users/"), func(v visit) bool { return v.path != fmt.Sprint("/users/", u) })
		for i := n; i < len(at); i++ {
			if apart := at[i].at - at[i-n].at; apart < e.window {
				e.Errorf("user %d: %d within %s", u, n+1, apart)
			}
		}
		if len(at) != 3*n {
			e.Errorf("user %d: %d sent, want %d", u, len(at), 3*n)
		}
	}
}

// privateLimitsPastTheBound: those that find no room for a bucket share one.
func privateLimitsPastTheBound(e *env) {
	const n, bound = 5, 3
	e.route("/users/", e.private("user", n))
	p := e.program(func(c *transport.Config) { c.MaxKeys = bound })
	for u := range 50 {
		_ = e.send(e.Context(), p.hasty, fmt.Sprint("/users/", u))
	}
	kept := p.patient.Snapshot().PrivateLimits
	if len(kept) != 1 || kept[0].Kept > bound+1 {
		e.Errorf("%+v, want %d of them and the one that others share", kept, bound)
	}
	log := e.server.log("")
	if sent := len(log); sent < n || sent != bound+n && (!e.real || e.since() < log[0].answered+e.window) {
		e.Errorf("%d sent, want one for each of %d, and %d for all others", sent, bound, n)
	}
}
