package redisbudget

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

func userClaim(method, user string) *transport.Claim {
	return &transport.Claim{Endpoint: method + " /users/{id}", Key: method, Limits: []transport.Limit{
		{Name: "user", Key: "user " + user, N: 1, Window: time.Second, Private: true},
		{Name: "instance", Key: "instance", N: 1000, Window: time.Second},
	}}
}

// However many users there are, what is idle is forgotten; and what is needed
// again afterwards is counted once, whichever way leads to it.
func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := inMemory(t)
		b := newBudget(t, rdb)
		for i := range 3000 {
			mustAcquire(t, b, userClaim("PATCH", strconv.Itoa(i%2900))).Settle(transport.Answered)
			time.Sleep(10 * time.Millisecond)
			if i%100 == 0 {
				mustAcquire(t, b, userClaim("PUT", "0")).Settle(transport.Answered)
				if _, ok := tryAcquire(t, b, userClaim("PATCH", "0")); ok {
					t.Fatal("one limit is counted in two places")
				}
			}
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		for what, n := range map[string]int{"limits": b.limits.len(), "lines": b.lines.len(), "owing": len(b.owing)} {
			if n > 600 {
				t.Errorf("%d %s are kept, with some 200 in use", n, what)
			}
		}
	})
}

// A line may outlast a limit that was forgotten: it must not bring it back beside
// the one that was made anew.
func TestForgottenLimitIsNotCountedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := inMemory(t)
		b := newBudget(t, rdb)
		patch, put := userClaim("PATCH", "0"), userClaim("PUT", "0")
		mustAcquire(t, b, patch).Settle(transport.Unsent)
		time.Sleep(10 * time.Second)
		b.mu.Lock()
		delete(b.limits.byKey, "user 0")
		b.mu.Unlock()
		mustAcquire(t, b, put)
		if _, ok := tryAcquire(t, b, patch); ok {
			t.Error("two of one")
		}
		for _, l := range b.Snapshot().Limits {
			if l.Key == "user 0" && l.InFlight != 1 {
				t.Errorf("%+v", l)
			}
		}
		time.Sleep(20 * time.Second) // the request still lives
		if _, ok := tryAcquire(t, newBudget(t, rdb), patch); ok {
			t.Error("two of one, by another program")
		}
	})
}
