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

// env is what a test has to work with.
type env struct {
	*testing.T
	setting
	crowd
	budget transport.Budget
	server *server
	start  time.Time
	prefix string                       // of every key, so that tests can share a budget
	routes map[string][]transport.Limit // by path; "/" is for all others
	learn  bool                         // endpoints have learned rates
	loose  bool                         // more than N may arrive
}

// limit is a limit of n a window, under a key of this test's own.
func (e *env) limit(key string, n int) transport.Limit {
	return transport.Limit{Name: key, Key: e.prefix + key, N: n, Window: e.window}
}

// route has the requests to a path draw on the given limits.
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

// exact insists that no window of any limit saw more than it allows.
func (e *env) exact() {
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
				e.Errorf("%s: %d requests arrived within %s, the last after %s", l.Name, l.N+1, apart, at[i])
				return
			}
		}
	}
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

// pair returns two programs of a budget; without one, two names of the same.
func (e *env) pair(change ...func(*transport.Config)) (a, b *program) {
	e.Helper()
	if a = e.program(change...); e.budget == nil {
		return a, a
	}
	return a, e.program(change...)
}

// send makes a request, whose query says of which class or flow it is. An answer that
// is not a 200 is an error.
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

// refusal is the refusal that an error is; one that says nothing, if it is none.
func refusal(err error) (r transport.ThrottledError) {
	if e := new(transport.ThrottledError); errors.As(err, &e) {
		r = *e
	}
	return r
}

// get makes a request that waits, and insists on its success. Any goroutine may
// call it.
func (p *program) get(path string) {
	p.Helper()
	if err := p.send(context.Background(), p.patient, path); err != nil {
		p.Errorf("%s after the start: GET %s: %v", p.since(), path, err)
	}
}

// now makes a request that may not wait, and insists on its success.
func (p *program) now(path string) {
	p.Helper()
	if err := p.send(context.Background(), p.hasty, path); err != nil {
		p.Fatalf("%s after the start: GET %s, which may not wait: %v", p.since(), path, err)
	}
}

// refused insists that a request which may not wait is refused because of a limit, or
// of a block, where none is named. In real time it need not be from a moment on.
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

// blocked has a request that may not wait meet a 429, which blocks a path for so many
// windows, and returns until when that is at least.
func (p *program) blocked(path string, windows float64) time.Duration {
	p.Helper()
	p.server.answers(path, tooMany(p.windows(windows)))
	if err := p.send(context.Background(), p.hasty, path); !errors.Is(err, statusError(http.StatusTooManyRequests)) {
		p.Fatalf("%s after the start: GET %s: %v, want a 429", p.since(), path, err)
	}
	return p.visit(path, len(p.server.log(path))-1).answered + p.windows(windows)
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

// visit returns the nth request to a path, or of all, which must have arrived.
func (e *env) visit(path string, nth int) visit {
	e.Helper()
	log := e.server.log(path)
	if nth >= len(log) {
		e.Fatalf("%s after the start: only %d requests have arrived", e.since(), len(log))
	}
	return log[nth]
}

// free returns when the token of the nth request to a path is free again.
func (e *env) free(path string, nth int) time.Duration {
	e.Helper()
	return e.visit(path, nth).answered + e.window
}

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

// crowd is the test's requests under way.
type crowd struct {
	sync.WaitGroup
	done atomic.Bool
}

func (c *crowd) times(n int, f func()) {
	for range n {
		c.Go(f)
	}
}

// loops has callers send one request after the other, until the crowd is stopped.
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
