//go:build unix

package fleettest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
	"github.com/clerkthrottle/clerkthrottle-go/internal/served"
)

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

// bound is how long an empty Redis grants nothing.
const bound = redisbudget.DefaultInFlightBound

// A saturated fleet uses a limit exactly, wholly and fairly, and hardly calls Redis.
func TestFleetSharesTheLimit(t *testing.T) {
	for name, c := range map[string]struct {
		programs, callers, n int
		window               time.Duration
		share, jain, calls   float64
	}{
		"8x32":       {8, 32, 1000, 10 * time.Second, 0.995, 0.999, 0.15},
		"8x32 short": {8, 32, 200, 2 * time.Second, 0.965, 0.999, 0.5},
		"8x32 small": {8, 32, 100, 10 * time.Second, 0.97, 0.98, 1},
		"20x8":       {20, 8, 1000, 10 * time.Second, 0.995, 0.999, 0.3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const windows = 5
				m, _ := inMemory(t)
				calls := countCalls(m)
				s := &service{latency: uniform(20*time.Millisecond, 100*time.Millisecond)}
				ctx, cancel := context.WithCancel(t.Context())
				var all sync.WaitGroup
				var fleet []*program
				for range c.programs {
					p := join(t, newBudget(t, connect(t, m)), s, c.n, c.window)
					fleet = append(fleet, p)
					p.work(ctx, &all, c.callers, nil)
				}
				time.Sleep(bound + 2*c.window) // recovery, and time to find the shares
				var before []int64
				for _, p := range fleet {
					before = append(before, p.done.Load())
				}
				from, calledFrom := s.arrived(), calls.Load()
				time.Sleep(windows * c.window)
				sent, called := s.arrived()-from, calls.Load()-calledFrom
				var counts []float64
				for i, p := range fleet {
					counts = append(counts, float64(p.done.Load()-before[i]))
				}
				cancel()
				all.Wait()
				share, each := float64(sent)/float64(windows*c.n), float64(called)/float64(sent)
				t.Logf("share %.4f, Jain %.4f, %.2f calls a request, most in a window %d", share, served.Jain(counts), each, s.most(c.window))
				if most := s.most(c.window); most > c.n {
					t.Errorf("%d requests in a window, want at most %d", most, c.n)
				}
				if share < c.share || served.Jain(counts) < c.jain || each > c.calls {
					t.Errorf("want a share of %.3f, Jain %.3f, at most %.2f calls", c.share, c.jain, c.calls)
				}
			})
		})
	}
}

// A program that joins late gets its share within two windows, and all of the limit
// once it is alone.
func TestLatecomerGetsItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, window = 100, 10 * time.Second
		m, rdb := inMemory(t)
		s := &service{latency: uniform(20*time.Millisecond, 100*time.Millisecond)}
		first, late := join(t, newBudget(t, rdb), s, n, window), join(t, newBudget(t, connect(t, m)), s, n, window)
		ctx1, leave := context.WithCancel(t.Context())
		ctx2, end := context.WithCancel(t.Context())
		var all sync.WaitGroup
		first.work(ctx1, &all, 32, nil)
		time.Sleep(30 * time.Second)
		late.work(ctx2, &all, 32, nil)
		time.Sleep(2 * window)
		a, b := first.done.Load(), late.done.Load()
		time.Sleep(3 * window)
		a, b = first.done.Load()-a, late.done.Load()-b
		if a < 140 || b < 140 {
			t.Errorf("in three windows %d and %d, want about 150 each", a, b)
		}
		leave()
		time.Sleep(3 * window)
		b = late.done.Load()
		time.Sleep(3 * window)
		if b = late.done.Load() - b; b < 290 {
			t.Errorf("alone %d in three windows, want about 300", b)
		}
		end()
		all.Wait()
		if most := s.most(window); most > n {
			t.Errorf("%d requests in a window, want at most %d", most, n)
		}
	})
}

// A request that takes longer than the bound keeps its token: its program is alive.
func TestLongRequestKeepsItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := inMemory(t)
		slow := &service{latency: func() time.Duration { return 40 * time.Second }}
		s := &service{latency: func() time.Duration { return 0 }}
		a, b := join(t, newBudget(t, rdb), slow, 1, 10*time.Second), join(t, newBudget(t, rdb), s, 1, 10*time.Second)
		start := time.Now()
		var all sync.WaitGroup
		all.Go(func() { a.mustGet(t, "/") })
		time.Sleep(bound + time.Second)
		b.mustGet(t, "/")
		if at := time.Since(start); at < 50*time.Second || at > 55*time.Second {
			t.Errorf("the token came back after %v, want 50s or a little more", at)
		}
		all.Wait()
	})
}
