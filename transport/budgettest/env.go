package budgettest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// env is what a test has to work with.
type env struct {
	*testing.T
	setting
	budget transport.Budget
	server *server
	start  time.Time
	prefix string // of every key, so that tests can share a budget
	routes map[string]*route
}

// route is what the requests to a path draw on.
type route struct {
	limits []transport.Limit
	rate   transport.Limit
}

// limit is a limit of n a window, under a key of this test's own.
func (e *env) limit(key string, n int) transport.Limit {
	return transport.Limit{Name: key, Key: e.prefix + key, N: n, Window: e.window}
}

// brief is a limit for which a test waits many times.
func (e *env) brief(key string, n int) transport.Limit {
	l := e.limit(key, n)
	l.Window /= 8
	return l
}

// private is a limit that is counted for each name that follows the path of a
// route which ends in a slash.
func (e *env) private(key string, n int) transport.Limit {
	l := e.limit(key, n)
	l.Private = true
	return l
}

// route has the requests to a path draw on the given limits.
func (e *env) route(path string, limits ...transport.Limit) { e.routes[path] = &route{limits: limits} }

func (e *env) classify(req *http.Request) *transport.Claim {
	path := req.URL.Path
	dir := path[:strings.LastIndexByte(path, '/')+1]
	r, name := e.routes[path], ""
	if r == nil {
		r, name, path = e.routes[dir], path[len(dir):], dir
	}
	c := &transport.Claim{Endpoint: "GET " + path, Key: e.prefix + "GET " + path + name, Rate: r.rate}
	for _, l := range r.limits {
		if l.Private {
			l.Key += " " + name
		}
		c.Limits = append(c.Limits, l)
	}
	return c
}

// program is one of those that share the budget: its requests wait as long as it
// takes, or not at all.
type program struct {
	*env
	patient, hasty *transport.Transport
}

// program returns a new one. It is closed at the test's end.
func (e *env) program(change ...func(*transport.Config)) *program {
	e.Helper()
	cfg := transport.Config{Base: e.server, Classify: e.classify, MaxWait: e.windows(100), Budget: e.budget}
	for _, f := range change {
		f(&cfg)
	}
	patient, err := transport.New(cfg)
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { _ = patient.Close() })
	hasty, err := transport.New(transport.Config{
		Base: e.server, Classify: e.classify, SameAs: patient, MaxWait: -1, Ruled: cfg.Ruled, Priority: cfg.Priority,
		Observers: requestObservers(cfg.Observers),
	})
	if err != nil {
		e.Fatal(err)
	}
	return &program{e, patient, hasty}
}

// requestObservers are told only of single requests: the scheduler that two
// transports share tells of the rest once.
func requestObservers(all []*transport.Observer) (some []*transport.Observer) {
	for _, o := range all {
		some = append(some, &transport.Observer{Waited: o.Waited, Refused: o.Refused, Answered: o.Answered, Retrying: o.Retrying})
	}
	return some
}

// send makes a request. An answer that is not a 200 is an error.
func (e *env) send(ctx context.Context, rt http.RoundTripper, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://server.test"+path, nil)
	if err != nil {
		return err
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return statusError(resp.StatusCode)
	}
	return nil
}

type statusError int

func (s statusError) Error() string { return fmt.Sprint("status ", int(s)) }

// get makes a request that waits, and insists on its success. Any goroutine may
// call it.
func (p *program) get(path string) { p.Helper(); p.getAs(context.Background(), path) }

func (p *program) getAs(ctx context.Context, path string) {
	p.Helper()
	if err := p.send(ctx, p.patient, path); err != nil {
		p.Errorf("%s after the start: GET %s: %v", p.since(), path, err)
	}
}

// now makes a request that may not wait, and insists on its success.
func (p *program) now(path string) { p.Helper(); p.nowAs(context.Background(), path) }

func (p *program) nowAs(ctx context.Context, path string) {
	p.Helper()
	if err := p.send(ctx, p.hasty, path); err != nil {
		p.Errorf("%s after the start: GET %s, which may not wait: %v", p.since(), path, err)
	}
}

// throttled makes a request that may not wait, and insists that it meets a 429.
func (p *program) throttled(path string) {
	p.Helper()
	if err := p.send(context.Background(), p.hasty, path); !errors.Is(err, statusError(http.StatusTooManyRequests)) {
		p.Errorf("%s after the start: GET %s: %v, want a 429", p.since(), path, err)
	}
}

// refused insists that a request which may not wait is refused, unless it came so
// late that it need not be: at the given moment, or later. Then nil is returned.
func (p *program) refused(path string, until time.Duration) *transport.ThrottledError {
	p.Helper()
	return p.refusedAs(context.Background(), path, until)
}

func (p *program) refusedAs(ctx context.Context, path string, until time.Duration) *transport.ThrottledError {
	p.Helper()
	err := p.send(ctx, p.hasty, path)
	var refusal *transport.ThrottledError
	switch {
	case errors.As(err, &refusal) && refusal.Reason == transport.ReasonMaxWait:
		return refusal
	case p.real && p.since() >= until:
		return nil
	}
	p.Errorf("%s after the start: GET %s: %v, want a refusal for the bound, until %s", p.since(), path, err, until)
	return nil
}

// come waits until so many requests were sent by, or wait in, the program.
func (p *program) come(n int) {
	p.Helper()
	p.eventually("all have come", func() bool {
		s := p.patient.Snapshot()
		all := 0
		for _, l := range s.Limits {
			all += l.Waiting
		}
		for _, e := range s.Endpoints {
			all += e.Waiting + int(e.Counts.Sent)
		}
		return all >= n
	})
}

// eventually waits until something holds that does hold soon: in a bubble, when all
// that is going on has come to rest.
func (e *env) eventually(what string, holds func() bool) {
	e.Helper()
	if !e.real {
		synctest.Wait()
	}
	for range 10_000 {
		if holds() {
			return
		}
		time.Sleep(e.window / 100)
	}
	e.Fatalf("%s after the start: it does not come about that %s", e.since(), what)
}

func (e *env) since() time.Duration { return time.Since(e.start) }

// until sleeps until a moment after the start.
func (e *env) until(at time.Duration) { time.Sleep(at - e.since()) }

// pause sleeps for so many windows, and for what an exchange may take.
func (e *env) pause(windows float64) { time.Sleep(e.windows(windows) + e.slack) }

func (e *env) windows(n float64) time.Duration { return time.Duration(n * float64(e.window)) }

// at insists that something happened at a moment: never earlier, and later only by
// the slack; in real time, however much later.
func (e *env) at(what string, got, want time.Duration) {
	e.Helper()
	if got < want || !e.real && got > want+e.slack {
		e.Errorf("%s at %s, want %s", what, got, want)
	}
}

// as is the context of requests of a class.
func as(p transport.Priority) context.Context {
	return transport.WithPriority(context.Background(), p)
}

// crowd runs requests, and waits for them.
type crowd struct{ sync.WaitGroup }

// crowd returns one that outlives no test.
func (e *env) crowd() *crowd {
	c := new(crowd)
	e.Cleanup(c.Wait)
	return c
}

func (c *crowd) times(n int, f func()) {
	for range n {
		c.Go(f)
	}
}
