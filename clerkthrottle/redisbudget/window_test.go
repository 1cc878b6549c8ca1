package redisbudget

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Two programs take a limit of 4 between them; the tokens come back a window
// after their answers, for whichever asks.
func TestSpentTokensComeBackAWindowAfterTheirAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := inMemory(t)
		a, b := newBudget(t, rdb), newBudget(t, rdb)
		c := claim(4, 10*time.Second)
		start := time.Now()
		var leases []transport.Lease
		for _, p := range []*Budget{a, a, b, b} {
			leases = append(leases, mustAcquire(t, p, c))
		}
		for _, p := range []*Budget{a, b} {
			if _, ok := tryAcquire(t, p, c); ok {
				t.Fatal("a fifth token")
			}
		}
		time.Sleep(3 * time.Second)
		for _, l := range leases {
			l.Settle(transport.Answered)
		}
		_, err := b.Acquire(t.Context(), c, 9*time.Second)
		if te := (*transport.ThrottledError)(nil); !errors.As(err, &te) || te.Wait < 10*time.Second || te.Wait > 10200*time.Millisecond {
			t.Errorf("refused with %v, %+v", err, te)
		}
		if at := time.Since(start); at != 3*time.Second {
			t.Errorf("refused after %v", at)
		}
		for range 2 {
			mustAcquire(t, a, c)
			mustAcquire(t, b, c)
		}
		if at := time.Since(start); at < 13*time.Second || at > 13200*time.Millisecond {
			t.Errorf("the tokens came back after %v", at)
		}
	})
}
