package budgettest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// What a caller can see: estimates, dry runs, observers, the snapshot.

func estimateIsTheWait(e *env) {
	const n = 2
	e.route("/", e.limit("shared", n))
	p := e.program()
	req, err := http.NewRequest(http.MethodGet, "http://server.test/", nil)
	if err != nil {
		e.Fatal(err)
	}
	for range n {
		for range 20 {
			if d := p.patient.Estimate(req); d != 0 {
				e.Errorf("estimate with a free token: %s, want 0", d)
			}
		}
		p.getNow("/")
	}
	before, free := e.since(), e.freeAt("/", 0)
	d := p.patient.Estimate(req)
	if d > e.window || d <= 0 && (!e.real || e.since() < free) {
		e.Errorf("estimate without a free token: %s", d)
	}
	p.get("/")
	e.at("it was sent", e.visit("", n).at, before+d)
}

func dryRunDelaysNothing(e *env) {
	const n, requests = 2, 5
	e.loose = true
	e.route("/", e.limit("shared", n))
	var seen notes
	p := e.program(seen.observe, func(c *transport.Config) { c.DryRun = true })
	for i := range requests {
		p.get("/")
		e.eventually("the program owns the tokens that it needs", func() bool { return p.patient.Snapshot().Limits[0].Owned >= min(n, i+1) })
	}
	p.block("/", 1)
	p.get("/")
	if e.real && e.since() > e.freeAt("/", 0) {
		return
	}
	s := p.patient.Snapshot()
	if l := s.Limits[0]; l.Free != n-requests-2 || l.Waiting != 0 {
		e.Errorf("%+v", l)
	}
	if c := s.Endpoints[0].Counts; c.Sent != requests+2 || c.Waited != requests+2-n || c.Throttled != 1 {
		e.Errorf("counts %+v", c)
	}
	if held, blocks := seen.count("would wait limit shared"), seen.count("would wait"); held < requests-n || blocks < requests-n+1 {
		e.Errorf("observed %q", seen.all())
	}
}

// everythingIsReported: observers are called as things happen, and the snapshot counts them.
func everythingIsReported(e *env) {
	const n = 2
	e.route("/", e.limit("shared", n))
	var seen notes
	p := e.program(seen.observe)
	e.server.answers("/", tooMany(e.windows(0.5)))
	p.get("/")
	ctx, cancel := context.WithTimeout(e.Context(), e.window/8)
	defer cancel()
	_ = e.send(ctx, p.patient, "/")
	e.eventually("the observer is told of the end of the block", func() bool { return seen.count("unblocked") > 0 })
	// The block ends and the first request after it goes at the same moment, in any
	// order, and some requests wait for an exchange.
	got := slices.DeleteFunc(seen.all(), func(line string) bool { return line == "unblocked" || line == "waited limit shared" })
	events := []string{"blocked", "answered 1: 429", "retrying 1: 429", "waited block ", "answered 2: 200", "refused deadline limit"}
	if !slices.Equal(got, events) && !e.real {
		e.Errorf("observed %q, want %q", got, events)
	}
	for _, line := range events[:5] {
		if !slices.Contains(got, line) {
			e.Errorf("observed %q, without %q", got, line)
		}
	}

	p.get("/")
	s := p.patient.Snapshot()
	if l := s.Limits[0]; l.Free+l.InFlight+l.Returning != l.Owned || l.Waiting != 0 || l.N != n || l.Owned > n || e.budget == nil && l.Owned < n {
		e.Errorf("bucket %+v", l)
	}
	c := s.Endpoints[0].Counts
	want := snapshot.Counts{Sent: int64(len(e.server.log(""))), Waited: c.Waited, Refused: c.Refused, Throttled: 1, Retried: 1}
	if c != want || !e.real && (c.Sent != 3 || c.Waited < 2 || c.Refused != 1) {
		e.Errorf("counts %+v, want %+v", c, want)
	}
	if w := s.Endpoints[0].Waits; w.P50 > w.Max || c.Waited > 0 && w.Max == 0 {
		e.Errorf("waits %+v", w)
	}
	var sum snapshot.Counts
	for _, slice := range s.History.Slices {
		sum.Sent += slice.Sent
		sum.Waited += slice.Waited
		sum.Refused += slice.Refused
		sum.Throttled += slice.Throttled
		sum.Retried += slice.Retried
	}
	if sum != c {
		e.Errorf("the history sums up to %+v, want %+v", sum, c)
	}
	if f := s.Fleet; (f == nil) != (e.budget == nil) || f != nil && !f.Reached {
		e.Errorf("fleet %+v", f)
	}
}

// notes records an observer's events.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

func (n *notes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lines)
}

// count returns how many lines begin with begin.
func (n *notes) count(begin string) (k int) {
	for _, line := range n.all() {
		if strings.HasPrefix(line, begin) {
			k++
		}
	}
	return k
}

func (n *notes) observe(c *transport.Config) {
	c.Observers = append(c.Observers, &transport.Observer{
		Waited: func(_ context.Context, e transport.WaitEvent) {
			how := "waited"
			if e.DryRun {
				how = "would wait"
			}
			n.add("%s %s %s", how, e.Hold, e.Limit)
		},
		Refused:   func(_ context.Context, e *transport.ThrottledError) { n.add("refused %s %s", e.Reason, e.Hold) },
		Answered:  func(_ context.Context, e transport.AnswerEvent) { n.add("answered %d: %d", e.Attempt, e.Status) },
		Retrying:  func(_ context.Context, e transport.RetryEvent) { n.add("retrying %d: %d", e.Attempt, e.Status) },
		Blocked:   func(transport.BlockEvent) { n.add("blocked") },
		Unblocked: func(transport.BlockEvent) { n.add("unblocked") },
		RateChanged: func(e transport.RateEvent) {
			if e.Learned {
				n.add("rate learned")
			} else {
				n.add("rate forgotten")
			}
		},
	})
}
