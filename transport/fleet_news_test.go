package transport_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/budgettest"
)

// What a program and its Budget tell each other, in the moments when it is easily lost.

// ownLimits are three requests to each user, and a hundred in all, per four seconds.
var ownLimits = rows{
	shared:  transport.Limit{Name: "shared", Key: "shared", N: 100, Window: 4 * time.Second},
	private: transport.Limit{Name: "own", Key: "own ", N: 3, Window: 4 * time.Second, Private: true},
}

// A program that goes through many users forgets some: what it says of one must not be
// said of a later bucket of the same user.
func TestFleetKeepsToPrivateLimitsWhateverIsForgotten(t *testing.T) {
	for seed := range uint64(15) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(nil)
			s.latency = 30 * time.Millisecond
			budget := &away{new(budgettest.Memory), network{latency: time.Duration(seed%3) * 5 * time.Millisecond}}
			var mu sync.Mutex
			rng := rand.New(rand.NewPCG(seed, 9))
			n := func(k int) int {
				mu.Lock()
				defer mu.Unlock()
				return rng.IntN(k)
			}
			var all sync.WaitGroup
			end := time.Now().Add(2 * time.Minute)
			for range 3 {
				rt := newTransport(t, s, ownLimits, func(c *transport.Config) {
					c.Budget, c.MaxWait = budget, []time.Duration{-1, time.Second, 2 * time.Second}[n(3)]
				})
				defer func() { _ = rt.Close() }()
				for range 4 {
					all.Go(func() {
						for time.Now().Before(end) {
							ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+n(2000))*time.Millisecond)
							path := fmt.Sprint("/users/", n(4))
							if n(4) > 0 {
								path = fmt.Sprint("/users/x", n(1<<30))
							}
							_ = send(ctx, rt, path)
							cancel()
							time.Sleep(time.Duration(n(400)) * time.Millisecond)
						}
					})
				}
			}
			all.Wait()
			for i := range 4 {
				path := fmt.Sprint("/users/", i)
				if most := mostInWindow(s.times(path), 4*time.Second); most > 3 {
					t.Errorf("seed %d: %d requests for %s in a window, want at most 3", seed, most, path)
				}
			}
		})
	}
}

// forgetful is a Budget that has lost what it knew when the first block is reported: it
// takes nothing of that report.
type forgetful struct {
	transport.Budget
	mu     sync.Mutex
	forgot bool
}

func (f *forgetful) Join() transport.Member { return &forgetfulMember{f.Budget.Join(), f} }

type forgetfulMember struct {
	transport.Member
	*forgetful
}

func (m *forgetfulMember) Exchange(ctx context.Context, r *transport.Report) (*transport.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forgot || len(r.Blocks) == 0 {
		return m.Member.Exchange(ctx, r)
	}
	m.forgot = true
	a := &transport.Answer{Incomplete: true, Lease: time.Hour, Next: time.Second}
	for _, u := range r.Limits {
		a.Shares = append(a.Shares, transport.Share{Owned: u.Owned, Part: u.Owned, Keep: u.N, Window: u.Window})
	}
	return a, nil
}

func TestBlockIsReportedAgainAfterAnIncompleteAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fine := func() (*http.Response, error) { return status(http.StatusOK, ""), nil }
		s := newServer(script(fine, fine, tooMany("7")))
		budget := &forgetful{Budget: new(budgettest.Memory)}
		with := func(c *transport.Config) { c.Budget = budget }
		a, b := newTransport(t, s, limit(100, 10*sec), with), newTransport(t, s, limit(100, 10*sec), with)
		defer func() { _ = a.Close() }()
		defer func() { _ = b.Close() }()
		mustGet(t, a, "/x")
		mustGet(t, b, "/x")
		go mustGet(t, a, "/x") // a 429
		time.Sleep(3 * time.Second)
		start := time.Now()
		mustGet(t, b, "/x")
		if waited := time.Since(start); waited < 3*time.Second {
			t.Errorf("the other program sent after %s, into the block", waited)
		}
		time.Sleep(10 * time.Second)
	})
}

// A report that says it is complete lets a Budget that lost everything go on from there.
func TestReportWithoutSpentPrivateTokensIsNotComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := &recording{Budget: new(budgettest.Memory)}
		rt := newTransport(t, newServer(nil), ownLimits, func(c *transport.Config) { c.Budget = budget })
		defer func() { _ = rt.Close() }()
		mustGet(t, rt, "/users/1")
		time.Sleep(2 * time.Second)
		for _, r := range budget.all() {
			names := map[string]bool{}
			for _, u := range r.Limits {
				names[u.Key] = true
			}
			if spent := r.at > 100*time.Millisecond; spent && r.Complete && !names["own /users/1"] {
				t.Errorf("at %s it said that %v is all it owns", r.at, names)
			}
		}
	})
}

// recording is a Budget that notes the reports.
type recording struct {
	transport.Budget
	mu      sync.Mutex
	start   time.Time
	reports []report
}

type report struct {
	transport.Report
	at time.Duration
}

func (b *recording) all() []report {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reports
}

func (b *recording) Join() transport.Member {
	b.start = time.Now()
	return &recordingMember{b.Budget.Join(), b}
}

type recordingMember struct {
	transport.Member
	*recording
}

func (m *recordingMember) Exchange(ctx context.Context, r *transport.Report) (*transport.Answer, error) {
	m.mu.Lock()
	m.reports = append(m.reports, report{transport.Report{Limits: append([]transport.Usage(nil), r.Limits...), Complete: r.Complete}, time.Since(m.start)})
	m.mu.Unlock()
	return m.Member.Exchange(ctx, r)
}

// Whoever asks for an estimate, again and again, disturbs nobody.
func TestEstimateTellsNobodyOfABlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget, blocked := new(budgettest.Memory), 0
		s := newServer(script(tooMany("60")))
		a := newTransport(t, s, limit(100, 10*sec), func(c *transport.Config) { c.Budget = budget })
		b := newTransport(t, s, limit(100, 10*sec), func(c *transport.Config) {
			c.Budget, c.Observers = budget, []*transport.Observer{{Blocked: func(transport.BlockEvent) { blocked++ }}}
		})
		defer func() { _ = a.Close() }()
		defer func() { _ = b.Close() }()
		ctx, cancel := context.WithCancel(context.Background())
		go func() { _ = send(ctx, a, "/x") }()
		time.Sleep(2 * time.Second)
		mustGet(t, b, "/y") // hears of the block
		time.Sleep(2 * time.Second)
		before := budget.Exchanges()
		for range 100 {
			if wait := b.Estimate(request(ctx, http.MethodGet, "/x", nil)); wait < 50*time.Second {
				t.Errorf("the estimate is %s behind a block of 56 s", wait)
			}
			time.Sleep(time.Millisecond)
		}
		if made := budget.Exchanges() - before; made > 3 || blocked > 0 {
			t.Errorf("100 estimates made %d exchanges and %d events of a block", made, blocked)
		}
		cancel()
		time.Sleep(time.Minute)
	})
}

func TestEstimateKeepsNoWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(nil), limit(100, 10*sec), func(c *transport.Config) { c.Budget = new(budgettest.Memory) })
		defer func() { _ = rt.Close() }()
		for range 100 {
			rt.Estimate(request(t.Context(), http.MethodGet, "/x", nil))
		}
		if n := transport.CommonWindows(rt); n > 0 {
			t.Errorf("100 estimates left %d windows", n)
		}
	})
}
