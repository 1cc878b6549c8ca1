package redisbudget

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Whatever Redis says instead of an answer, requests go on under the last known
// share, and the budget comes back by itself.
func TestRequestsGoOnWithoutRedis(t *testing.T) {
	for name, message := range map[string]string{
		"read only":     "READONLY You can't write against a read only replica.",
		"out of memory": "OOM command not allowed when used memory > 'maxmemory'.",
		"loading":       "LOADING Redis is loading the dataset in memory",
		"cluster down":  "CLUSTERDOWN The cluster is down",
		"no password":   "NOAUTH Authentication required.",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, rdb := inMemory(t)
				a, b := newBudget(t, rdb), newBudget(t, rdb)
				c := claim(40, 10*time.Second)
				for range 10 {
					mustAcquire(t, a, c).Settle(transport.Answered)
					mustAcquire(t, b, c).Settle(transport.Answered)
				}
				m.SetError(message)
				// What is left is 20, of which each may take half and some less.
				for i, p := range []*Budget{a, b} {
					n := 0
					for ; n < 40; n++ {
						if _, ok := tryAcquire(t, p, c); !ok {
							break
						}
					}
					if n < 5 || n > 20 {
						t.Errorf("program %d sent %d more without Redis", i+1, n)
					}
					if s := p.Status(); !s.Away || !strings.Contains(s.Err.Error(), message) {
						t.Errorf("status %+v", s)
					}
				}
				m.SetError("")
				time.Sleep(2 * lastProbe)
				if a.Status().Away || b.Status().Away {
					t.Error("did not come back")
				}
				mustAcquire(t, a, c)
			})
		})
	}
}

// connectionLost: the server is gone; and comes back empty. In no window are there
// more requests than the limit.
func TestRestartedEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, window = 80, 4 * time.Second
		m, rdb := inMemory(t)
		seen, c := &arrivals{}, claim(n, window)
		ctx, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		var fleet []*program
		for range 4 {
			p := &program{Budget: newBudget(t, rdb)}
			fleet = append(fleet, p)
			p.work(ctx, &callers, 16, c, seen)
		}
		time.Sleep(21 * time.Second)
		m.SetError("ERR not here")
		time.Sleep(5 * time.Second)
		m.FlushAll()
		m.SetError("")
		time.Sleep(34 * time.Second)
		cancel()
		callers.Wait()
		if most := seen.most(window); most > n {
			t.Errorf("%d requests in a window, want at most %d", most, n)
		}
		if got := len(seen.at); got < n*15*85/100 {
			t.Errorf("%d requests in 15 windows of %d", got, n)
		}
		if j := jain(fleet); j < 0.95 {
			t.Errorf("fairness %.3f", j)
		}
	})
}

// FLUSHALL, or an eviction, in full flight and without an error: programs find out
// with their next call, and tell again what they sent.
func TestMemoryLostInFullFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, window = 80, 4 * time.Second
		m, rdb := inMemory(t)
		seen, c := &arrivals{}, claim(n, window)
		ctx, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		for range 4 {
			(&program{Budget: newBudget(t, rdb)}).work(ctx, &callers, 16, c, seen)
		}
		for range 5 {
			time.Sleep(9 * time.Second)
			m.FlushAll()
		}
		time.Sleep(9 * time.Second)
		cancel()
		callers.Wait()
		if most := seen.most(window); most > n {
			t.Errorf("%d requests in a window, want at most %d", most, n)
		}
		if got := len(seen.at); got < n*13*85/100 {
			t.Errorf("%d requests in 13.5 windows of %d", got, n)
		}
	})
}

// A Redis that hangs costs one request its timeout, and the next ones nothing.
func TestHungRedisCostsATimeoutOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := inMemory(t)
		b := newBudget(t, rdb)
		c := claim(100, 10*time.Second)
		mustAcquire(t, b, c).Settle(transport.Answered)
		var hung atomic.Bool
		hung.Store(true)
		m.Server().SetPreHook(func(*server.Peer, string, ...string) bool {
			for hung.Load() {
				time.Sleep(10 * time.Millisecond)
			}
			return false
		})
		for i, most := range []time.Duration{DefaultTimeout, 0, 0, 0} {
			start := time.Now()
			mustAcquire(t, b, c).Settle(transport.Answered)
			if took := time.Since(start); took > most {
				t.Errorf("request %d waited %v, want at most %v", i+1, took, most)
			}
			time.Sleep(300 * time.Millisecond)
		}
		hung.Store(false)
		time.Sleep(100 * time.Millisecond)
		if s := b.Status(); s.Away {
			t.Errorf("it hangs no more, but is taken to be away: %v", s.Err)
		}
	})
}

// A call that was given up, and is carried out after later ones, does nothing.
func TestLateCallIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := inMemory(t)
		b := newBudget(t, rdb)
		c := claim(10, 10*time.Second)
		mustAcquire(t, b, c)
		b.mu.Lock()
		late := newCall(b, b.now())
		late.seq = b.seq
		for _, ln := range b.lines.all() {
			late.ask(&lease{line: ln}, b.now())
		}
		keys, args := late.encode(b.now())
		b.mu.Unlock()
		answer, err := script.Run(t.Context(), rdb, keys, args...).Slice()
		if err != nil || len(answer) != 1 {
			t.Errorf("answered %v, %v", answer, err)
		}
		if l := b.Snapshot().Limits[0]; l.InFlight != 1 {
			t.Errorf("%+v", l)
		}
	})
}

// Scripts that the server forgot are sent again.
func TestScriptFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := inMemory(t)
		b := newBudget(t, rdb)
		c := claim(10, 10*time.Second)
		for range 3 {
			mustAcquire(t, b, c)
			if err := rdb.ScriptFlush(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if b.Status().Away {
			t.Error("taken to be away")
		}
	})
}

// A block holds while Redis is away, and afterwards, although Redis lost it.
func TestBlockIsKeptWithoutRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := inMemory(t)
		a, b := newBudget(t, rdb), newBudget(t, rdb)
		c := claim(100, 10*time.Second)
		start := time.Now()
		l := mustAcquire(t, a, c)
		l.Block(20 * time.Second)
		l.Settle(transport.Throttled)
		synctest.Wait()
		m.SetError("ERR away")
		time.Sleep(5 * time.Second)
		if _, ok := tryAcquire(t, a, c); ok {
			t.Error("sent while blocked")
		}
		m.FlushAll()
		m.SetError("")
		l2, err := a.Acquire(t.Context(), &transport.Claim{Endpoint: "GET /others", Key: "GET /others"}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		l2.Settle(transport.Answered)
		time.Sleep(2 * time.Second)
		mustAcquire(t, b, c)
		if at := time.Since(start); at < 20*time.Second || at > 20100*time.Millisecond {
			t.Errorf("the other program sent after %v, want 20s", at)
		}
	})
}

func TestWithoutFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := inMemory(t)
		b := newBudget(t, rdb, WithoutFallback())
		c := claim(1, 10*time.Second)
		l := mustAcquire(t, b, c)
		waiting := make(chan error)
		go func() {
			_, err := b.Acquire(t.Context(), c, time.Minute)
			waiting <- err
		}()
		time.Sleep(time.Second)
		m.SetError("ERR away")
		unavailable := (*UnavailableError)(nil)
		if err := <-waiting; !errors.As(err, &unavailable) || unavailable.Endpoint != c.Endpoint {
			t.Errorf("who waited got %v", err)
		}
		if _, err := b.Acquire(t.Context(), c, time.Minute); !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "ERR away") {
			t.Errorf("who came later got %v", err)
		}
		l.Settle(transport.Answered)
		m.SetError("")
		time.Sleep(2 * lastProbe)
		mustAcquire(t, b, c)
	})
}

// A program that never heard from Redis goes on, too.
func TestNeverSawRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := inMemory(t)
		m.SetError("ERR away")
		b := newBudget(t, rdb)
		c := claim(100, 10*time.Second)
		n := 0
		for ; n < 100; n++ {
			if _, ok := tryAcquire(t, b, c); !ok {
				break
			}
		}
		if n != 100/firstPrograms {
			t.Errorf("sent %d, want %d", n, 100/firstPrograms)
		}
	})
}

// While the fleet gathers again, a request that may not wait is told at once.
func TestRefusedAtOnceWhileItRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := inMemory(t)
		b := newBudget(t, rdb)
		c := claim(10, 10*time.Second)
		for range 9 {
			mustAcquire(t, b, c).Settle(transport.Answered)
		}
		m.SetError("ERR away")
		if _, ok := tryAcquire(t, b, c); ok {
			t.Error("more than the share")
		}
		m.SetError("")
		time.Sleep(firstProbe + 10*time.Millisecond)
		start := time.Now()
		if _, ok := tryAcquire(t, b, c); ok || b.Status().Away {
			t.Errorf("granted %v, away %v", ok, b.Status().Away)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("refused after %v", took)
		}
		time.Sleep(recovery)
		if _, ok := tryAcquire(t, b, c); !ok {
			t.Errorf("the tenth token is gone: %+v", b.Snapshot().Limits)
		}
	})
}

// A token that is given back while a call is under way is told with the next.
func TestGivenBackWhileACallIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := inMemory(t)
		a, b := newBudget(t, rdb), newBudget(t, rdb)
		c, other := claim(1, time.Minute), &transport.Claim{Endpoint: "GET /others", Key: "GET /others"}
		l := mustAcquire(t, a, c)
		var slow atomic.Bool
		slow.Store(true)
		m.Server().SetPreHook(func(*server.Peer, string, ...string) bool {
			if slow.Swap(false) {
				time.Sleep(20 * time.Millisecond)
			}
			return false
		})
		go func() {
			time.Sleep(10 * time.Millisecond)
			l.Settle(transport.Unsent)
		}()
		mustAcquire(t, a, other)
		time.Sleep(time.Second)
		if _, ok := tryAcquire(t, b, c); !ok {
			t.Error("the token did not come back")
		}
	})
}
