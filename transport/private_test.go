package transport_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/budgettest"
)

// Who was denied a token of a private limit, which no exchange names by itself, asks
// again until another program has given one back.
func TestPrivateLimitIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var budget budgettest.Memory
		base := newServer(nil)
		own := transport.Limit{Name: "own", Key: "own", N: 1, Window: 10 * time.Second, Private: true}
		program := func() *transport.Transport {
			rt := newTransport(t, base, rows{}, func(c *transport.Config) {
				c.Budget = &budget
				c.Classify = func(r *http.Request) *transport.Claim {
					return &transport.Claim{Endpoint: r.URL.Path, Key: r.URL.Path, Limits: []transport.Limit{own}}
				}
			})
			t.Cleanup(func() { _ = rt.Close() })
			return rt
		}
		a, b := program(), program()
		mustGet(t, a, "/")
		var all sync.WaitGroup
		all.Go(func() { mustGet(t, b, "/") })
		all.Wait()
		at := base.times("")
		if len(at) != 2 || at[1] < 10*time.Second || at[1] > 13*time.Second {
			t.Errorf("sent at %v, want at 0 and soon after 10s", at)
		}
	})
}
