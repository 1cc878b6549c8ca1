package redisbudget

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// arrivals is what the server that is throttled for sees.
type arrivals struct {
	mu sync.Mutex
	at []time.Time
}

func (a *arrivals) add() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = append(a.at, time.Now())
}

// most returns the greatest number of arrivals in any window.
func (a *arrivals) most(window time.Duration) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.SortFunc(a.at, time.Time.Compare)
	most, first := 0, 0
	for i, t := range a.at {
		for t.Sub(a.at[first]) >= window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// countCalls counts the script calls that a Redis in memory gets.
func countCalls(m *miniredis.Miniredis) *atomic.Int64 {
	var n atomic.Int64
	m.Server().SetPreHook(func(_ *server.Peer, cmd string, _ ...string) bool {
		if cmd == "EVALSHA" || cmd == "EVAL" {
			n.Add(1)
		}
		return false
	})
	return &n
}

// program is one replica of a fleet under test.
type program struct {
	*Budget
	done atomic.Int64
}

// work keeps n callers busy until ctx ends. A request reaches the server half a
// latency after it was sent.
func (p *program) work(ctx context.Context, callers *sync.WaitGroup, n int, c *transport.Claim, seen *arrivals) {
	for range n {
		callers.Go(func() {
			for {
				l, err := p.Acquire(ctx, c, time.Hour)
				if err != nil {
					return
				}
				way := time.Duration(10+rand.IntN(90)) * time.Millisecond
				time.Sleep(way)
				seen.add()
				time.Sleep(way)
				l.Settle(transport.Answered)
				p.done.Add(1)
			}
		})
	}
}

func jain(programs []*program) float64 {
	sum, squares := 0., 0.
	for _, p := range programs {
		v := float64(p.done.Load())
		sum, squares = sum+v, squares+v*v
	}
	return sum * sum / (float64(len(programs)) * squares)
}

// Twenty hungry programs share a limit exactly, whole and fairly, at no more than
// 1.5 calls a request.
func TestFleetSharesTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, window, length = 400, 10 * time.Second, 2 * time.Minute
		m, rdb := inMemory(t)
		calls, seen, c := countCalls(m), &arrivals{}, claim(n, window)
		ctx, cancel := context.WithTimeout(t.Context(), length)
		defer cancel()
		var callers sync.WaitGroup
		var fleet []*program
		for range 20 {
			p := &program{Budget: newBudget(t, rdb)}
			fleet = append(fleet, p)
			p.work(ctx, &callers, 8, c, seen)
		}
		callers.Wait()
		if most := seen.most(window); most > n {
			t.Errorf("%d requests in a window, want at most %d", most, n)
		}
		allowed := n * int(length/window)
		if got := len(seen.at); got < allowed*95/100 {
			t.Errorf("%d requests, want 0.95 of %d", got, allowed)
		}
		if j := jain(fleet); j < 0.95 {
			t.Errorf("fairness %.3f, want 0.95", j)
		}
		var done []int64
		for _, p := range fleet {
			done = append(done, p.done.Load())
		}
		slices.Sort(done)
		per := float64(calls.Load()) / float64(len(seen.at))
		t.Logf("%d of %d requests; by program min %d, median %d, max %d, Jain %.4f; %.2f calls a request",
			len(seen.at), allowed, done[0], done[len(done)/2], done[len(done)-1], jain(fleet), per)
		if per > 1.5 {
			t.Errorf("%.2f calls a request, want at most 1.5", per)
		}
	})
}

// A program that comes late gets its share within two windows, and all of the
// limit once it is alone.
func TestLatecomerGetsItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, window = 100, 10 * time.Second
		_, rdb := inMemory(t)
		seen, c := &arrivals{}, claim(n, window)
		first, late := &program{Budget: newBudget(t, rdb)}, &program{Budget: newBudget(t, rdb)}
		ctx1, leave := context.WithCancel(t.Context())
		ctx2, end := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		first.work(ctx1, &callers, 32, c, seen)
		time.Sleep(30 * time.Second)
		late.work(ctx2, &callers, 32, c, seen)
		time.Sleep(2 * window)
		a, b := first.done.Load(), late.done.Load()
		time.Sleep(3 * window)
		a, b = first.done.Load()-a, late.done.Load()-b
		if a < 130 || b < 130 {
			t.Errorf("in three windows %d and %d, want about 150 each", a, b)
		}
		leave()
		time.Sleep(window)
		b = late.done.Load()
		time.Sleep(3 * window)
		if b = late.done.Load() - b; b < 280 {
			t.Errorf("alone %d in three windows, want about 300", b)
		}
		end()
		callers.Wait()
		if most := seen.most(window); most > n {
			t.Errorf("%d requests in a window, want at most %d", most, n)
		}
	})
}

// A program that dies with tokens in hand gives them back when the bound is over,
// and a window later.
func TestDeadProgramGivesItsTokensBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := inMemory(t)
		dead, alive := newBudget(t, connect(t, m)), newBudget(t, rdb)
		c := claim(3, 10*time.Second)
		start := time.Now()
		for range 3 {
			mustAcquire(t, dead, c)
		}
		killLocally(dead)
		for range 3 {
			mustAcquire(t, alive, c)
		}
		at := time.Since(start)
		if least := DefaultInFlightBound + 10*time.Second; at < least || at > least+500*time.Millisecond {
			t.Errorf("the tokens came back after %v, want %v", at, least)
		}
	})
}

// killLocally makes a budget fall silent, as a process does that is killed.
func killLocally(b *Budget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.rdb.(interface{ Close() error }).Close()
	b.closed, b.owing, b.blocks = true, nil, nil
	b.setLocked(1<<62, b.now())
}

// A request that takes longer than the bound keeps its token: its program lives.
func TestLongRequestKeepsItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := inMemory(t)
		a, b := newBudget(t, rdb), newBudget(t, rdb)
		c := claim(1, 10*time.Second)
		start := time.Now()
		l := mustAcquire(t, a, c)
		time.AfterFunc(40*time.Second, func() { l.Settle(transport.Answered) })
		mustAcquire(t, b, c)
		if at := time.Since(start); at < 50*time.Second || at > 51*time.Second {
			t.Errorf("the token came back after %v, want 50s", at)
		}
	})
}

// The block that one program meets holds the others, and what was learned from it
// stays with the one that met it.
func TestBlockIsSeenByAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := inMemory(t)
		a, b := newBudget(t, rdb), newBudget(t, rdb)
		c := claim(100, 10*time.Second)
		c.Rate = c.Limits[0]
		start := time.Now()
		l := mustAcquire(t, a, c)
		l.Block(7 * time.Second)
		l.Settle(transport.Throttled)
		synctest.Wait()
		if _, ok := tryAcquire(t, b, c); ok {
			t.Error("sent in spite of the other's block")
		}
		mustAcquire(t, b, c)
		if at := time.Since(start); at < 7*time.Second || at > 7100*time.Millisecond {
			t.Errorf("sent after %v, want 7s", at)
		}
		if e := a.Snapshot().Endpoints; len(e) != 1 || !e[0].Learned {
			t.Errorf("the program that met a 429 learned nothing: %+v", e)
		}
		if e := b.Snapshot().Endpoints; len(e) != 1 || e[0].Learned {
			t.Errorf("the other learned something: %+v", e)
		}
	})
}
