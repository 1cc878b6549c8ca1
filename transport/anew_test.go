package transport_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// TestWaitersOfAnEndedBlockGoOutAtOnce has a crowd stand in the shared line while
// its endpoint is blocked and opens again. When the tokens are back, the crowd
// must keep to the rate learned from that block: it does not use what it passed
// before as a pass.
func TestWaitersOfAnEndedBlockGoOutAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, window = 10, 10 * time.Second
		budget := transport.NewScheduler(transport.Config{})
		shared := transport.Limit{Name: "shared", Key: "shared", N: n, Window: window}
		claim := &transport.Claim{Endpoint: "A", Key: "A", Limits: []transport.Limit{shared}, Rate: shared}
		var first []*transport.Permit
		for range n {
			l, err := budget.Acquire(t.Context(), claim, 0)
			if err != nil {
				t.Fatal(err)
			}
			first = append(first, l)
		}
		var sent atomic.Int64
		var crowd sync.WaitGroup
		for range 2 * n {
			crowd.Go(func() {
				l, err := budget.Acquire(t.Context(), claim, time.Hour)
				if err != nil {
					t.Error(err)
					return
				}
				sent.Add(1)
				l.Settle(transport.Answered)
			})
		}
		time.Sleep(time.Second)
		for _, l := range first {
			l.Block(time.Second) // over long before the tokens are back
			l.Settle(transport.Throttled)
		}
		time.Sleep(window + time.Millisecond)
		synctest.Wait()
		if got := sent.Load(); got != 1 {
			t.Errorf("%d went out the moment the tokens were back, want the one that the learned rate allows", got)
		}
		crowd.Wait()
	})
}
