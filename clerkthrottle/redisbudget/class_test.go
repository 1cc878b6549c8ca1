package redisbudget

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Interactive requests go first, and of eleven that go one is of the class that
// is passed over; with Redis and without.
func TestInteractiveGoesFirst(t *testing.T) {
	for _, away := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m, rdb := inMemory(t)
			b := newBudget(t, rdb)
			c := claim(10, 10*time.Second)
			mustAcquire(t, b, c).Settle(transport.Answered)
			if away {
				m.SetError("ERR away")
			}
			for {
				if l, ok := tryAcquire(t, b, c); !ok {
					break
				} else {
					l.Settle(transport.Answered)
				}
			}
			var mu sync.Mutex
			var order strings.Builder
			var all sync.WaitGroup
			for name, p := range map[string]transport.Priority{"b": transport.Batch, "I": transport.Interactive} {
				for range 15 {
					all.Go(func() {
						l, err := b.Acquire(transport.WithPriority(t.Context(), p), c, time.Hour)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						order.WriteString(name)
						mu.Unlock()
						l.Settle(transport.Answered)
					})
				}
			}
			synctest.Wait()
			for _, l := range b.Snapshot().Limits {
				if l.Waiting != 30 || l.ByClass.Batch != 15 || l.ByClass.Interactive != 15 || l.Next == nil {
					t.Errorf("%+v", l)
				}
			}
			all.Wait()
			// Those of one window go at one moment, and write in any order.
			if got := order.String(); strings.Count(got[:9], "b") > 1 || !strings.Contains(got[:20], "b") {
				t.Errorf("without Redis: %v; they went %s", away, got)
			}
		})
	}
}

// Observers hear of a block that another program met.
func TestObserversHearOfTheFleetsBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := inMemory(t)
		a, b := newBudget(t, rdb), newBudget(t, rdb)
		c := claim(10, 10*time.Second)
		var mu sync.Mutex
		var heard []string
		hear := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, what)
		}
		start := time.Now()
		b.Observe(&transport.Observer{
			Blocked:   func(e transport.BlockEvent) { hear("blocked " + e.Endpoint + " " + e.For.String()) },
			Unblocked: func(transport.BlockEvent) { hear("unblocked " + time.Since(start).String()) },
		})
		l := mustAcquire(t, a, c)
		l.Block(5 * time.Second)
		l.Settle(transport.Throttled)
		synctest.Wait()
		if _, ok := tryAcquire(t, b, c); ok {
			t.Error("sent while blocked")
		}
		if wait := b.Estimate(t.Context(), c); wait != 5*time.Second {
			t.Errorf("estimated %v", wait)
		}
		time.Sleep(6 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if got := strings.Join(heard, "; "); got != "blocked GET /things 5s; unblocked 5s" {
			t.Error(got)
		}
	})
}
