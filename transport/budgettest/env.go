package budgettest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// env is the environment of one test.
type env struct {
	*testing.T
	setting
	crowd
	budget transport.Budget
	server *server
	start  time.Time
	prefix string                       // of every key, so that tests can share a budget
	routes map[string][]transport.Limit // by path; "/" is the default
	learn  bool                         // endpoints have learned rates
	loose  bool                         // more than N may arrive: a dry run
}

// limit returns a limit of n per window, with a key of this test's own.
func (e *env) limit(key string, n int) transport.Limit {
	return transport.Limit{Name: key, Key: e.prefix + key, N: n, Window: e.window}
}

// route sets the limits that requests to a path draw on.
func (e *env) route(path string, limits ...transport.Limit) { e.routes[path] = limits }

func (e *env) classify(req *http.Request) *transport.Claim {
	path := req.URL.Path
	c := &transport.Claim{Endpoint: "GET " + path, Key: e.prefix + "GET " + path, Limits: e.limitsOf(path)}
	if e.learn {
		c.Rate = c.Limits[0]
	}
	return c
}

func (e *env) limitsOf(path string) []transport.Limit {
	limits, ok := e.routes[path]
	if !ok {
		limits = e.routes["/"]
	}
	limits = slices.Clone(limits)
	for i := range limits {
		if l := &limits[i]; l.Private {
			l.Key += path
		}
	}
	return limits
}

// checkWindows checks that no window of any limit saw more than N requests.
func (e *env) checkWindows() {
	arrived, limits := map[string][]time.Duration{}, map[string]transport.Limit{}
	for _, v := range e.server.log("") {
		for _, l := range e.limitsOf(v.path) {
			limits[l.Key], arrived[l.Key] = l, append(arrived[l.Key], v.at)
		}
	}
	for key, at := range arrived {
		l := limits[key]
		slices.Sort(at)
		for i := l.N; i < len(at) && !e.loose; i++ {
			if apart := at[i] - at[i-l.N]; apart < l.Window {
				e.Errorf("%s: %d requests arrived within %s, the last at %s", l.Name, l.N+1, apart, at[i])
				return
			}
		}
	}
}

// program is a program that shares the budget. It has two transports: requests of
// patient wait as long as it takes, those of hasty never wait.
type program struct {
	*env
	patient, hasty *transport.Transport
}

// program starts a program. It is closed at the test's end.
func (e *env) program(change ...func(*transport.Config)) *program {
	e.Helper()
	cfg := transport.Config{Base: e.server, Classify: e.classify, MaxWait: e.windows(100), Budget: e.budget}
	for _, f := range change {
		f(&cfg)
	}
	p := &program{env: e}
	var err error
	if p.patient, err = transport.New(cfg); err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { _ = p.patient.Close() })
	if p.hasty, err = transport.New(transport.Config{
		Base: e.server, Classify: e.classify, SameAs: p.patient, MaxWait: -1, Ruled: cfg.Ruled,
	}); err != nil {
		e.Fatal(err)
	}
	return p
}

// pair starts two programs on the budget. Without a budget they are one and the same.
func (e *env) pair(change ...func(*transport.Config)) (a, b *program) {
	e.Helper()
	if a = e.program(change...); e.budget == nil {
		return a, a
	}
	return a, e.program(change...)
}

// send makes a request, whose query names its class or flow. An answer other than 200
// is an error.
func (e *env) send(ctx context.Context, rt http.RoundTripper, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://server.test"+path, nil)
	if err != nil {
		return err
	}
	switch query := req.URL.RawQuery; query {
	case "i":
		ctx = transport.WithPriority(ctx, transport.Interactive)
	case "b":
		ctx = transport.WithPriority(ctx, transport.Batch)
	case "x", "y", "z":
		ctx = transport.WithFlow(ctx, query)
	}
	resp, err := rt.RoundTrip(req.WithContext(ctx))
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

// refusal returns the error's ThrottledError; the zero value if it is none.
func refusal(err error) (r transport.ThrottledError) {
	if e := new(transport.ThrottledError); errors.As(err, &e) {
		r = *e
	}
	return r
}

// get makes a request that may wait, and checks that it succeeds. Any goroutine may
// call it.
func (p *program) get(path string) {
	p.Helper()
	if err := p.send(context.Background(), p.patient, path); err != nil {
		p.Errorf("%s after the start: GET %s: %v", p.since(), path, err)
	}
}

// getNow makes a request that may not wait, and checks that it succeeds.
func (p *program) getNow(path string) {
	p.Helper()
	if err := p.send(context.Background(), p.hasty, path); err != nil {
		p.Fatalf("%s after the start: GET %s without a wait: %v", p.since(), path, err)
	}
}

// refused checks that a request that may not wait is refused because of limit, or if
// that is "" because of a block, with a wait that ends by until. In real time it need
// not be refused once until has passed.
func (p *program) refused(path, limit string, until time.Duration) {
	p.Helper()
	err := p.send(context.Background(), p.hasty, path)
	hold, window := transport.HoldBlock, time.Duration(0)
	if limit != "" {
		hold, window = transport.HoldLimit, p.window
	}
	r := refusal(err)
	ok := r.Reason == transport.ReasonMaxWait && r.Hold == hold && r.Limit == limit && r.Window == window && r.Endpoint == "GET "+path && r.Wait <= until
	if !ok && (!p.real || p.since() < until) {
		p.Errorf("%s after the start: GET %s: %v, want a refusal by %s %q, until %s", p.since(), path, err, hold, limit, until)
	}
}

// block makes a request that may not wait and gets a 429, which blocks path for a
// number of windows. It returns when the block ends at the earliest.
func (p *program) block(path string, windows float64) time.Duration {
	p.Helper()
	p.server.answers(path, tooMany(p.windows(windows)))
	if err := p.send(context.Background(), p.hasty, path); !errors.Is(err, statusError(http.StatusTooManyRequests)) {
		p.Fatalf("%s after the start: GET %s: %v, want a 429", p.since(), path, err)
	}
	return p.visit(path, len(p.server.log(path))-1).answered + p.windows(windows)
}

// arrived waits until n requests have been sent by the program or wait in it.
func (p *program) arrived(n int) {
	p.Helper()
	p.eventually("all requests have come", func() bool {
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

// eventually waits until holds returns true, which must happen soon: in a bubble,
// once all goroutines are idle.
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
	e.Fatalf("%s after the start: still waiting: %s", e.since(), what)
}

func (e *env) since() time.Duration { return time.Since(e.start) }

// visit returns the nth request to a path, or with "" to any; it must have arrived.
func (e *env) visit(path string, nth int) visit {
	e.Helper()
	log := e.server.log(path)
	if nth >= len(log) {
		e.Fatalf("%s after the start: only %d requests have arrived", e.since(), len(log))
	}
	return log[nth]
}

// freeAt returns when the token of the nth request to a path is free again.
func (e *env) freeAt(path string, nth int) time.Duration {
	e.Helper()
	return e.visit(path, nth).answered + e.window
}

// pause sleeps for a number of windows and the slack.
func (e *env) pause(windows float64) { time.Sleep(e.windows(windows) + e.slack) }

func (e *env) windows(n float64) time.Duration { return time.Duration(n * float64(e.window)) }

// at checks that something happened at want: never earlier, and later only by the
// slack, or in real time by any amount.
func (e *env) at(what string, got, want time.Duration) {
	e.Helper()
	if got < want || !e.real && got > want+e.slack {
		e.Errorf("%s at %s, want %s", what, got, want)
	}
}

// crowd is the goroutines of the test's requests.
type crowd struct {
	sync.WaitGroup
	done atomic.Bool
}

func (c *crowd) times(n int, f func()) {
	for range n {
		c.Go(f)
	}
}

// loops starts callers that each send one request after the other, until the crowd is
// stopped.
func (c *crowd) loops(callers int, p *program, path string) {
	c.times(callers, func() {
		for !c.done.Load() && !p.Failed() {
			p.get(path)
		}
	})
}

func (c *crowd) stop() {
	c.done.Store(true)
	c.Wait()
}
