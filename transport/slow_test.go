package transport_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// TestLoneWaiterSleepsThroughTheClimb has one request wait for a rate that a 429
// brought down to one in minutes. The rate climbs meanwhile, and nothing else
// happens that would wake it: it must go when the climb lets it.
func TestLoneWaiterSleepsThroughTheClimb(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := transport.NewScheduler(transport.Config{})
		shared := transport.Limit{Name: "shared", Key: "shared", N: 10, Window: 10 * time.Second}
		claim := &transport.Claim{Endpoint: "A", Key: "A", Limits: []transport.Limit{shared}, Rate: shared}
		for range 2 { // the second takes the one token that is left of the bucket
			l, err := budget.Acquire(t.Context(), claim, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			l.Block(time.Second)
			l.Settle(transport.Throttled)
		}
		l, err := budget.Acquire(t.Context(), claim, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		l.Settle(transport.Answered)
		t.Log("waited", l.Waited())
		if l.Waited() > time.Minute {
			t.Errorf("waited %s, though the rate is back within a minute", l.Waited())
		}
	})
}
