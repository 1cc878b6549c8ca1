//go:build unix

package fleettest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
)

// since returns the largest number of arrivals in any window that begins at from or
// later.
func (s *service) since(from time.Time, window time.Duration) int {
	late := &service{}
	for _, at := range s.times() {
		if !at.Before(from) {
			late.at = append(late.at, at)
		}
	}
	return late.most(window)
}

// A deployment changes the limit while programs of the previous version still run.
// While both run, the fewest tokens and the longest window apply; what was sent
// before counts for its own window.
func TestLimitIsChangedByADeployment(t *testing.T) {
	type limit struct {
		n      int
		window time.Duration
	}
	for name, c := range map[string]struct{ before, after limit }{
		"fewer":          {limit{100, 10 * time.Second}, limit{40, 10 * time.Second}},
		"more":           {limit{40, 10 * time.Second}, limit{100, 10 * time.Second}},
		"longer window":  {limit{40, time.Second}, limit{40, 10 * time.Second}},
		"shorter window": {limit{40, 10 * time.Second}, limit{40, time.Second}},
		"fewer, shorter": {limit{100, 10 * time.Second}, limit{40, 2 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, _ := inMemory(t)
				s := &service{latency: uniform(20*time.Millisecond, 100*time.Millisecond)}
				start := func(l limit) (end func()) {
					ctx, cancel := context.WithCancel(t.Context())
					var all sync.WaitGroup
					var fleet []*program
					for range 3 {
						p := join(t, newBudget(t, connect(t, m)), s, l.n, l.window)
						fleet = append(fleet, p)
						p.work(ctx, &all, 8, nil)
					}
					return func() {
						cancel()
						all.Wait()
						for _, p := range fleet {
							_ = p.Close()
						}
					}
				}
				window := max(c.before.window, c.after.window)
				endBefore := start(c.before)
				time.Sleep(bound + 3*c.before.window)
				if most := s.most(c.before.window); most > c.before.n {
					t.Errorf("before, %d in a window, want at most %d", most, c.before.n)
				}
				deployed := time.Now()
				endAfter := start(c.after)
				time.Sleep(3 * window)
				both := min(c.before.n, c.after.n)
				if most := s.since(deployed.Add(window+time.Second), window); most > both {
					t.Errorf("with both, %d in a window, want at most %d", most, both)
				}
				endBefore()
				time.Sleep(2*bound + 3*window)
				alone := time.Now()
				time.Sleep(2 * window)
				got := s.since(alone, c.after.window)
				if got > c.after.n || got < c.after.n*9/10 {
					t.Errorf("afterwards, %d in a window, want %d", got, c.after.n)
				}
				endAfter()
				if most, n := s.most(min(c.before.window, c.after.window)), max(c.before.n, c.after.n); most > n {
					t.Errorf("%d in the shortest window, want at most %d", most, n)
				}
			})
		})
	}
}

// A program is cut off from Redis while others are not: at worst its share is added
// to N. Without fallback N holds.
func TestCutOffAlone(t *testing.T) {
	for name, fallback := range map[string]bool{"fallback": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const n, window = 90, 10 * time.Second
				m, _ := inMemory(t)
				s := &service{latency: uniform(20*time.Millisecond, 100*time.Millisecond)}
				net := &network{}
				var opts []redisbudget.Option
				if !fallback {
					opts = append(opts, redisbudget.WithoutFallback())
				}
				ctx, cancel := context.WithCancel(t.Context())
				var all sync.WaitGroup
				cut := join(t, newBudget(t, net.wire(connect(t, m)), opts...), s, n, window)
				cut.work(ctx, &all, 16, uniform(0, 100*time.Millisecond))
				for range 2 {
					join(t, newBudget(t, connect(t, m), opts...), s, n, window).work(ctx, &all, 16, nil)
				}
				time.Sleep(bound + 3*window)
				net.set(true, false)
				time.Sleep(6 * window)
				most := n
				if fallback {
					most += n / 3
				} else if cut.failed.Load() == 0 {
					t.Error("nothing was refused")
				}
				net.set(false, false)
				back := time.Now()
				time.Sleep(6 * window)
				cancel()
				all.Wait()
				if got := s.most(window); got > most+1 || !fallback && got > n {
					t.Errorf("%d requests in a window, want at most %d", got, most)
				}
				if got := s.since(back.Add(2*window), window); got > n || got < n*9/10 {
					t.Errorf("%d in a window once it is back, want %d", got, n)
				}
			})
		})
	}
}
