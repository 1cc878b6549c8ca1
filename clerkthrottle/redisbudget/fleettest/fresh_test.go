//go:build unix

package fleettest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// A Redis that knows nothing, because it is new or lost what it knew.

// While Redis waits to hear from everybody, requests are refused; a program that makes
// few, none of which waits for long, must get through once that is over.
func TestSparseRequestsGetThroughAFreshRedis(t *testing.T) {
	for _, maxWait := range []time.Duration{-1, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			_, rdb := inMemory(t)
			s := &service{latency: func() time.Duration { return 20 * time.Millisecond }}
			p := join(t, newBudget(t, rdb), s, 1000, 10*time.Second, func(c *transport.Config) { c.MaxWait = maxWait })
			got := 0
			for range 20 {
				if p.get(context.Background(), "/x") == nil {
					got++
				}
				time.Sleep(5 * time.Second)
			}
			if got < 18 {
				t.Errorf("%d of 20 requests got through with a maximum wait of %s, want all but the first two", got, maxWait)
			}
		})
	}
}

// Tokens of single users that were spent before Redis lost everything are not granted
// again before they have come back.
func TestFlushFreesNoSpentPrivateToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := inMemory(t)
		s := &service{latency: func() time.Duration { return 10 * time.Millisecond }}
		bound := redisbudget.WithInFlightBound(3 * time.Second)
		a, b := join(t, newBudget(t, rdb, bound), s, 1000, 10*time.Second), join(t, newBudget(t, rdb, bound), s, 1000, 10*time.Second)
		a.mustGet(t, "/warm")
		b.mustGet(t, "/warm")
		time.Sleep(20 * time.Second)
		s.at = nil
		ten := func(p *program) {
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() { p.mustGet(t, "/users/1") })
			}
			all.Wait()
		}
		ten(a)
		time.Sleep(2 * time.Second)
		m.FlushAll()
		ten(b)
		if most := s.most(10 * time.Second); most > 10 {
			t.Errorf("%d requests in a window, want at most 10", most)
		}
	})
}
