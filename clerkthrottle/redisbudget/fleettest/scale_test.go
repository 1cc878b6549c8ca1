//go:build unix

package fleettest

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

var programs = flag.Int("programs", 40, "how many programs to simulate; a thousand take minutes")

// Redis is away for 20 s under a saturated fleet: nothing fails, and the limit is
// still used. Redis may refuse calls, or hang, whatever the budget's timeout.
func TestAwayForTwentySeconds(t *testing.T) {
	for name, away := range map[string]func(*network, bool){
		"it refuses": func(net *network, away bool) { net.set(away, false) },
		"it hangs":   (*network).hang,
	} {
		for _, timeout := range []time.Duration{redisbudget.DefaultTimeout, time.Second} {
			t.Run(fmt.Sprintf("%s, timeout %s", name, timeout), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { awayForTwentySeconds(t, timeout, away) })
			})
		}
	}
}

func awayForTwentySeconds(t *testing.T, timeout time.Duration, away func(*network, bool)) {
	const n, window = 1000, 10 * time.Second
	m, _ := inMemory(t)
	net := new(network)
	s := &service{latency: uniform(20*time.Millisecond, 100*time.Millisecond)}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var fleet []*program
	for range 8 {
		p := join(t, newBudget(t, net.wire(connect(t, m)), redisbudget.WithTimeout(timeout)), s, n, window)
		fleet = append(fleet, p)
		p.work(ctx, &all, 32, nil)
	}
	time.Sleep(bound + 3*window)
	before := s.arrived()
	away(net, true)
	time.Sleep(20 * time.Second)
	used := float64(s.arrived()-before) / (2 * n)
	away(net, false)
	time.Sleep(3 * window)
	for i, p := range fleet {
		if failed := p.failed.Load(); failed > 0 || !p.Snapshot().Fleet.Reached {
			t.Errorf("%d requests of program %d failed, and it reaches Redis: %t", failed, i, p.Snapshot().Fleet.Reached)
		}
	}
	cancel()
	all.Wait()
	t.Logf("%.3f of the limit used while Redis was away, most in a window %d", used, s.most(window))
	if most := s.most(window); most > n || used < 0.97 {
		t.Errorf("%d in a window of %d, %.3f used, want at least 0.97", most, n, used)
	}
}

// Four programs of batch work leave a reserve to two interactive ones.
func TestReserveBetweenPrograms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, window = 1000, 10 * time.Second
		m, _ := inMemory(t)
		s := &service{latency: func() time.Duration { return 50 * time.Millisecond }}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		start := func(class transport.Priority, callers int, pause func() time.Duration) *program {
			p := join(t, newBudget(t, connect(t, m)), s, n, window, func(c *transport.Config) {
				c.ReserveInteractive = 0.4
			})
			p.work(transport.WithPriority(ctx, class), &all, callers, pause)
			return p
		}
		for range 4 {
			start(transport.Batch, 64, nil)
		}
		people := []*program{
			start(transport.Interactive, 16, uniform(900*time.Millisecond, time.Second)),
			start(transport.Interactive, 16, uniform(900*time.Millisecond, time.Second)),
		}
		time.Sleep(bound + window) // from the second window on
		for _, p := range people {
			p.mu.Lock()
			p.waits = nil
			p.mu.Unlock()
		}
		before := s.arrived()
		time.Sleep(12 * window)
		used := float64(s.arrived()-before) / (12 * n)
		cancel()
		all.Wait()
		waits := slices.Sorted(slices.Values(append(people[0].waits, people[1].waits...)))
		p99 := waits[len(waits)*99/100] - 50*time.Millisecond
		t.Logf("a person waits %v at p99 of %d, %.3f of the limit used", p99, len(waits), used)
		if p99 > 50*time.Millisecond || used < 0.9 || s.most(window) > n {
			t.Errorf("want 50ms at most, 0.9 of the limit, and %d in a window at most (%d)", n, s.most(window))
		}
	})
}

// Very many programs of two callers.
//
//	go test ./clerkthrottle/redisbudget/fleettest -run VeryManyPrograms -programs 1000 -v
func TestVeryManyPrograms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, window, windows = 1000, 10 * time.Second, 4
		m, _ := inMemory(t)
		calls := countCalls(m)
		s := &service{latency: uniform(20*time.Millisecond, 100*time.Millisecond)}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range *programs {
			join(t, newBudget(t, connect(t, m)), s, n, window).work(ctx, &all, 2, nil)
		}
		time.Sleep(bound + 3*window)
		before, called := s.arrived(), calls.Load()
		time.Sleep(windows * window)
		share := float64(s.arrived()-before) / (windows * n)
		each := float64(calls.Load()-called) / (windows * window).Seconds()
		cancel()
		all.Wait()
		t.Logf("share %.4f, %.0f calls a second, most in a window %d", share, each, s.most(window))
		if most := s.most(window); most > n || share < 0.99 {
			t.Errorf("%d in a window of %d, share %.4f, want at least 0.99", most, n, share)
		}
	})
}
