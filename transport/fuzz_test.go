package transport_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// FuzzLocalBudget lets a byte string drive callers, answers and the clock of a
// budget, and checks after each step what must hold at every moment.
func FuzzLocalBudget(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{2, 0, 1, 0, 2, 0, 3, 0, 4, 6, 9, 0, 1, 0, 1})                     // more callers than tokens
	f.Add([]byte{1, 0, 0x13, 1, 0, 1, 0, 7, 3, 2, 1, 6, 40, 0, 5, 6, 60})          // a block
	f.Add([]byte{0, 0, 0x12, 2, 0, 3, 1, 4, 2, 5, 3, 6, 20, 1, 0, 2, 0, 6, 60})    // cancelled waits
	f.Add([]byte{3, 0, 0x14, 0, 0x15, 1, 0x11, 2, 0x10, 6, 3, 5, 7, 4, 9, 6, 100}) // every outcome
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 400 {
			t.Skip("longer than anybody can read")
		}
		synctest.Test(t, func(t *testing.T) {
			fuzzBudget(t, script)
		})
	})
}

const fuzzWindow = time.Second

// fuzzRun is one run of the fuzz test.
type fuzzRun struct {
	*testing.T
	budget *transport.Scheduler
	start  time.Time
	all    sync.WaitGroup

	mu       sync.Mutex
	arrivals map[string][]time.Duration // by limit
	blocked  [2]block                   // by endpoint
}

type block struct{ since, until time.Duration }

func (r *fuzzRun) since() time.Duration { return time.Since(r.start) }

func fuzzBudget(t *testing.T, script []byte) {
	next := func() (b byte) {
		if len(script) > 0 {
			b, script = script[0], script[1:]
		}
		return b
	}
	r := &fuzzRun{T: t, budget: transport.NewScheduler(transport.Config{}), start: time.Now(), arrivals: make(map[string][]time.Duration)}
	n := 1 + int(next()%4)
	shared := transport.Limit{Name: "shared", Key: "shared", N: n, Window: fuzzWindow}
	own := transport.Limit{Name: "own", Key: "own", N: 1 + n/2, Window: fuzzWindow}
	var claims []*transport.Claim
	for _, name := range []string{"A", "B"} {
		claims = append(claims,
			&transport.Claim{Endpoint: name, Key: name, Limits: []transport.Limit{shared}},
			&transport.Claim{Endpoint: name, Key: name, Limits: []transport.Limit{own, shared}})
	}
	for len(script) > 0 {
		op, arg := next()%8, next()
		switch {
		case op < 4: // a caller that waits as long as it takes
			r.call(context.Background(), claims[op], int(op/2), arg, time.Hour)
		case op == 4: // one that has a bound
			r.call(context.Background(), claims[arg%4], int(arg%4/2), arg, time.Duration(next())*10*time.Millisecond)
		case op == 5: // one that is cancelled, in line or in flight
			ctx, cancel := context.WithCancel(context.Background())
			r.call(ctx, claims[arg%4], int(arg%4/2), arg, time.Hour)
			time.AfterFunc(time.Duration(next())*10*time.Millisecond, cancel)
		default:
			time.Sleep(time.Duration(arg) * 10 * time.Millisecond)
		}
		synctest.Wait()
		r.check()
	}
	r.all.Wait() // everybody completes, or the bubble deadlocks
	time.Sleep(fuzzWindow)
	for _, l := range r.budget.Snapshot().Limits {
		if l.Free != l.N {
			t.Errorf("a window after the last request: %+v", l)
		}
	}
	for key, at := range r.arrivals {
		slices.Sort(at)
		limit := shared.N
		if key == "own" {
			limit = own.N
		}
		if most := mostInWindow(at, fuzzWindow); most > limit {
			t.Errorf("%d requests arrived in a window of %d of %q: %v", most, limit, key, at)
		}
	}
}

// call starts a caller whose answer is what arg says: its low bits the outcome,
// its high bits the latency, and its parity where on the way it arrives.
func (r *fuzzRun) call(ctx context.Context, c *transport.Claim, endpoint int, arg byte, maxWait time.Duration) {
	r.all.Go(func() {
		lease, err := r.budget.Acquire(ctx, c, maxWait)
		if err != nil {
			return
		}
		r.mu.Lock()
		sent := r.since()
		if b := r.blocked[endpoint]; sent < b.until && sent > b.since {
			r.Errorf("sent at %s, within a block of %s from %s to %s", sent, c.Endpoint, b.since, b.until)
		}
		r.mu.Unlock()
		select {
		case <-time.After(time.Duration(arg>>4) * 70 * time.Millisecond):
		case <-ctx.Done():
		}
		outcome := transport.Outcome(arg & 7 % 6)
		r.mu.Lock()
		if at := sent; outcome != transport.Unsent {
			if arg&8 != 0 {
				at = r.since()
			}
			for _, l := range c.Limits {
				r.arrivals[l.Key] = append(r.arrivals[l.Key], at)
			}
		}
		if outcome == transport.Throttled {
			d := time.Duration(arg) * 20 * time.Millisecond
			r.blocked[endpoint] = block{r.since(), max(r.blocked[endpoint].until, r.since()+d)}
			lease.Block(d)
		}
		r.mu.Unlock()
		lease.Settle(outcome)
	})
}

// check looks at what must hold whenever everybody has come to rest.
func (r *fuzzRun) check() {
	s := r.budget.Snapshot()
	for _, l := range s.Limits {
		if l.Free < 0 || l.InFlight < 0 || l.Returning < 0 || l.Free+l.InFlight+l.Returning != l.N {
			r.Fatalf("at %s a token was lost or made: %+v", r.since(), l)
		}
		if l.Waiting > 0 && l.Free > 0 {
			r.Fatalf("at %s somebody waits while a token is free: %+v", r.since(), l)
		}
	}
	for _, e := range s.Endpoints {
		if e.Waiting > 0 && e.BlockedUntil == nil {
			r.Fatalf("at %s somebody waits at an open gate: %+v", r.since(), e)
		}
	}
}
