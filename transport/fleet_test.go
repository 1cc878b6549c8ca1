package transport_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/budgettest"
)

// Fleets of programs on one budget, in virtual time, with their callers in closed
// loops, before a server that counts every window.
//
//	go test -run TestFleet -v ./transport    # 240 s each, and prints the figures

// duration is how long a fleet is counted, after it has come to rest.
func duration() time.Duration {
	if testing.Verbose() && !testing.Short() {
		return 240 * time.Second
	}
	return 60 * time.Second
}

// fleet is some programs that share a limit.
type fleet struct {
	limit    transport.Limit
	programs []program
	network  network
	warmup   time.Duration

	budget  budgettest.Memory
	mu      sync.Mutex
	arrived []time.Duration // at the server
	start   time.Time
}

// program is one of a fleet.
type program struct {
	callers int
	class   transport.Priority
	pause   time.Duration                  // between a caller's calls
	awake   func(since time.Duration) bool // nil: always
	config  func(*transport.Config)        // nil: as it is
}

// figures is what came of it.
type figures struct {
	share, jain, calls float64
	most               int
	sent               []int           // by program
	waits              []time.Duration // of interactive calls, sorted
	failed             int
	unavailable        int
}

func (f figures) String() string {
	s := fmt.Sprintf("share %.4f, Jain %.4f, calls a request %.3f, most in a window %d", f.share, f.jain, f.calls, f.most)
	if len(f.waits) > 0 {
		s += fmt.Sprintf("; people's waits: p50 %s, p99 %s, max %s", f.wait(0.5), f.wait(0.99), f.wait(1))
	}
	return s
}

func (f figures) wait(q float64) time.Duration {
	return f.waits[min(len(f.waits)-1, int(q*float64(len(f.waits))))]
}

// network is what lies between the programs and the budget.
type network struct {
	latency time.Duration
	lost    func() loss // nil: nothing
}

type loss int

const (
	arrives loss = iota
	callLost
	answerLost
	callFails // the same, told as an error
	answerFails
)

// away is a Budget behind a network.
type away struct {
	transport.Budget
	network
}

func (a *away) Join() transport.Member { return &remote{a.Budget.Join(), a.network} }

type remote struct {
	transport.Member
	network
}

var errLost = errors.New("lost")

func (r *remote) Exchange(ctx context.Context, report *transport.Report) (*transport.Answer, error) {
	time.Sleep(r.latency / 2)
	what := arrives
	if r.lost != nil {
		what = r.lost()
	}
	if what == arrives || what == answerLost || what == answerFails {
		answer, err := r.Member.Exchange(ctx, report)
		if what == arrives {
			time.Sleep(r.latency / 2)
			return answer, err
		}
	}
	time.Sleep(100 * time.Millisecond) // until it is given up
	if what == callFails || what == answerFails {
		return nil, errLost
	}
	return &transport.Answer{Err: errLost, Lease: time.Hour, Next: time.Second}, nil
}

// latency is drawn from a lognormal distribution around 50 ms.
func lognormal(random *rand.Rand) time.Duration {
	return time.Duration(float64(50*time.Millisecond) * math.Exp(0.3*random.NormFloat64()))
}

// run has the fleet work, and returns what came of it. It works in a bubble.
func (f *fleet) run(t *testing.T, counted time.Duration) figures {
	t.Helper()
	f.start = time.Now()
	from := cmp.Or(f.warmup, 4*f.limit.Window)
	end := from + counted
	out := figures{sent: make([]int, len(f.programs))}
	budget := &away{&f.budget, f.network}
	var exchanges [2]atomic.Int64
	time.AfterFunc(from, func() { exchanges[0].Store(int64(f.budget.Exchanges())) })
	time.AfterFunc(end, func() { exchanges[1].Store(int64(f.budget.Exchanges())) })
	var all sync.WaitGroup
	for i, p := range f.programs {
		var last sync.Map
		base := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			random := rand.New(rand.NewPCG(uint64(time.Since(f.start)), uint64(i)))
			took := lognormal(random)
			way := time.Duration(random.Float64() * float64(took))
			time.Sleep(way)
			f.mu.Lock()
			at := time.Since(f.start)
			f.arrived = append(f.arrived, at)
			if at >= from && at < end {
				out.sent[i]++
			}
			f.mu.Unlock()
			time.Sleep(took - way)
			last.Store(req.Context().Value(callerKey{}), took)
			return status(http.StatusOK, ""), nil
		})
		cfg := transport.Config{
			Base: base, Classify: rows{shared: f.limit}.classify, MaxWait: time.Hour, Budget: budget, Priority: p.class,
		}
		if p.config != nil {
			p.config(&cfg)
		}
		rt, err := transport.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for c := range p.callers {
			ctx := context.WithValue(t.Context(), callerKey{}, c)
			group.Go(func() {
				random := rand.New(rand.NewPCG(uint64(i), uint64(c)))
				time.Sleep(time.Duration(random.Int64N(int64(max(p.pause, 1))))) // nobody in step
				for time.Since(f.start) < end {
					if p.awake != nil && !p.awake(time.Since(f.start)) {
						time.Sleep(100 * time.Millisecond)
						continue
					}
					began := time.Since(f.start)
					err := send(ctx, rt, "/")
					now := time.Since(f.start)
					f.mu.Lock()
					switch {
					case errors.As(err, new(*transport.ThrottledError)):
						out.unavailable++
					case err != nil:
						out.failed++
					case began >= from && p.class == transport.Interactive:
						took, _ := last.Load(c)
						out.waits = append(out.waits, now-began-took.(time.Duration))
					}
					f.mu.Unlock()
					if err != nil {
						time.Sleep(10 * time.Millisecond)
					}
					if p.pause > 0 {
						time.Sleep(max(0, p.pause-(now-began)))
					}
				}
			})
		}
		all.Go(func() {
			group.Wait()
			_ = rt.Close()
		})
	}
	all.Wait()
	slices.Sort(f.arrived)
	slices.Sort(out.waits)
	out.most = mostInWindow(f.arrived, f.limit.Window)
	sum, squares := 0.0, 0.0
	for _, k := range out.sent {
		sum += float64(k)
		squares += float64(k) * float64(k)
	}
	out.share = sum / (float64(f.limit.N) * float64(counted) / float64(f.limit.Window))
	out.jain = sum * sum / (float64(len(f.programs)) * squares)
	out.calls = float64(exchanges[1].Load()-exchanges[0].Load()) / sum
	if out.most > f.limit.N {
		t.Errorf("%d in a window, want %d at most", out.most, f.limit.N)
	}
	return out
}

type callerKey struct{}

func shared(n int, window time.Duration) transport.Limit {
	return transport.Limit{Name: "shared", Key: "shared", N: n, Window: window}
}

func times(n int, p program) []program { return slices.Repeat([]program{p}, n) }

func TestFleetUsesItsLimitAndSharesItFairly(t *testing.T) {
	for _, c := range []struct {
		name        string
		limit       transport.Limit
		programs    []program
		share, jain float64
		calls       float64
	}{
		{"8 × 32, 1000 in 10 s", shared(1000, 10*sec), times(8, program{callers: 32}), 0.995, 0.999, 0.15},
		{"20 × 32, 1000 in 10 s", shared(1000, 10*sec), times(20, program{callers: 32}), 0.995, 0.999, 0.30},
		{"8 × 32, 200 in 2 s", shared(200, 2*sec), times(8, program{callers: 32}), 0.965, 0.999, 0.45},
		{"8 × 32, 100 in 10 s", shared(100, 10*sec), times(8, program{callers: 32}), 0.97, 0.999, 1.0},
		{"8 × 32, 10 in 10 s", shared(10, 10*sec), times(8, program{callers: 32}), 0.93, 0.96, 10}, // a token more or less, of seven
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fleet{limit: c.limit, programs: c.programs, network: network{latency: time.Millisecond}}
				got := f.run(t, duration())
				t.Log(got, got.sent)
				if got.share < c.share || got.jain < c.jain || got.calls > c.calls || got.failed > 0 {
					t.Errorf("want a share of %g, fairness of %g, and %g calls a request; %d failed", c.share, c.jain, c.calls, got.failed)
				}
			})
		})
	}
}

// What idle programs leave goes to the one that has more to do, and comes back to
// them when they wake up.
func TestFleetLendsWhatIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fleet{limit: shared(1000, 10*sec), network: network{latency: time.Millisecond}}
		for i := range 8 {
			p := program{callers: 32}
			switch {
			case i == 0:
				p.callers *= 8
			case i%2 == 1:
				p.awake = func(since time.Duration) bool { return since/(30*sec)%2 == 0 }
			}
			f.programs = append(f.programs, p)
		}
		got := f.run(t, duration())
		t.Log(got, got.sent)
		if got.share < 0.97 || got.calls > 0.15 || got.failed > 0 {
			t.Errorf("want a share of 0.97 and 0.15 calls a request; %d failed", got.failed)
		}
	})
}

// Four programs of batch work beside two of people, with a reserve in all of them.
func TestFleetKeepsAReserveForPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reserve := func(c *transport.Config) { c.ReserveInteractive = 0.4 }
		f := fleet{limit: shared(1000, 10*sec), network: network{latency: time.Millisecond}, warmup: 10 * sec}
		f.programs = append(times(4, program{callers: 64, class: transport.Batch, config: reserve}),
			times(2, program{callers: 16, class: transport.Interactive, pause: sec, config: reserve})...)
		got := f.run(t, duration())
		t.Log(got, got.sent)
		if got.share < 0.90 || got.wait(0.99) > 50*time.Millisecond || got.failed > 0 {
			t.Errorf("want a share of 0.90, and no wait above 50ms in 99 of 100; %d failed", got.failed)
		}
	})
}

// Exchanges are lost on the way there, or on the way back, or take long: then tokens
// are late, and never too many.
func TestFleetKeepsToItsLimitWhateverIsLost(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			var mu sync.Mutex
			lost := func() loss {
				mu.Lock()
				defer mu.Unlock()
				if random.IntN(3) > 0 {
					return arrives
				}
				return loss(random.IntN(5))
			}
			f := fleet{
				limit: shared(20+random.IntN(200), time.Duration(1+random.IntN(5))*sec), warmup: sec,
				network: network{latency: time.Duration(1+random.IntN(400)) * time.Millisecond, lost: lost},
			}
			for i := range 2 + random.IntN(4) {
				p := program{callers: 1 + random.IntN(40), class: transport.Priority(random.IntN(3) - 1)}
				if random.IntN(2) == 0 {
					p.awake = func(since time.Duration) bool { return int(since/(3*sec))%3 != i%3 }
				}
				p.config = func(c *transport.Config) { c.ReserveInteractive = 0.3 }
				f.programs = append(f.programs, p)
			}
			got := f.run(t, 30*sec)
			t.Logf("%d programs, %d in %s, %s away: %s", len(f.programs), f.limit.N, f.limit.Window, f.network.latency, got)
			if got.failed > 0 || got.share < 0.3 {
				t.Errorf("%d failed, and %.2f of the limit was used", got.failed, got.share)
			}
		})
	}
}

// slowBudget grants all that is asked for, with exchanges that take a second, and
// notes the reports.
type slowBudget struct {
	mu      sync.Mutex
	busy    bool
	blocked []string // keys that reports named
}

func (b *slowBudget) Join() transport.Member { return b }

func (b *slowBudget) Exchange(_ context.Context, r *transport.Report) (*transport.Answer, error) {
	b.mu.Lock()
	b.busy = true
	for _, block := range r.Blocks {
		b.blocked = append(b.blocked, block.Key)
	}
	b.mu.Unlock()
	answer := &transport.Answer{Lease: time.Hour, Next: time.Second}
	for _, u := range r.Limits {
		answer.Shares = append(answer.Shares, transport.Share{Owned: u.N, Part: u.N, Keep: u.N, Window: u.Window})
	}
	time.Sleep(time.Second)
	b.mu.Lock()
	b.busy = false
	b.mu.Unlock()
	return answer, nil
}

// A 429 that comes while an exchange is under way is no part of its report.
func TestBlockDuringAnExchangeIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := new(slowBudget)
		base := roundTripFunc(func(*http.Request) (*http.Response, error) {
			for {
				time.Sleep(10 * time.Millisecond)
				budget.mu.Lock()
				busy := budget.busy
				budget.mu.Unlock()
				if busy {
					return tooMany("100")()
				}
			}
		})
		rt := newTransport(t, base, limit(10, sec), func(c *transport.Config) { c.Budget, c.MaxWait = budget, 10*time.Second })
		resp, err := get(rt, "/a")
		if err != nil || resp.StatusCode != http.StatusTooManyRequests {
			t.Fatal(resp, err)
		}
		time.Sleep(10 * time.Second)
		budget.mu.Lock()
		defer budget.mu.Unlock()
		if len(budget.blocked) != 1 {
			t.Errorf("the reports named %q, want the one block, once", budget.blocked)
		}
	})
}

// keepOne grants all tokens in its first answer, and lets the program keep one.
type keepOne struct {
	mu    sync.Mutex
	owned []int // as told
}

func (b *keepOne) Join() transport.Member { return b }

func (b *keepOne) Exchange(_ context.Context, r *transport.Report) (*transport.Answer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	answer := &transport.Answer{Lease: time.Hour, Next: 11 * time.Second}
	for _, u := range r.Limits {
		b.owned = append(b.owned, u.Owned)
		share := transport.Share{Owned: u.Owned, Part: u.N, Keep: 1, Window: u.Window}
		if len(b.owned) == 1 {
			share.Owned = u.N
		}
		answer.Shares = append(answer.Shares, share)
	}
	return answer, nil
}

// Tokens that have come back leave the program with the next exchange, even if it is
// the first to look.
func TestTokensThatCameBackAreGivenBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := new(keepOne)
		rt := newTransport(t, newServer(nil), limit(10, 10*sec), func(c *transport.Config) { c.Budget, c.MaxWait = budget, sec })
		for range 10 {
			mustGet(t, rt, "/a")
		}
		time.Sleep(12 * time.Second)
		budget.mu.Lock()
		defer budget.mu.Unlock()
		told := slices.Compact(budget.owned)
		if want := []int{0, 10, 1}; !slices.Equal(told, want) {
			t.Errorf("it said that it owned %v, want %v", told, want)
		}
	})
}
