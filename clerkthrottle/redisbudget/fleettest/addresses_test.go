//go:build unix

package fleettest

import (
	"context"
	"flag"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

var addresses = flag.Int("addresses", 5_000, "how many addresses have a limit of their own")

// However many addresses have had a limit of their own, idle ones are evicted, in
// Redis and in the program.
//
//	go test ./clerkthrottle/redisbudget/fleettest -run Addresses -addresses 1000000 -v
func TestAddressesAreForgotten(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	rdb := startServer(t).client(t)
	p := join(t, newBudget(t, rdb, realTime()...), nil, 1, time.Second, func(c *transport.Config) {
		c.Base = noop{&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}}
		c.Classify = func(r *http.Request) *transport.Claim {
			return &transport.Claim{Endpoint: "GET /", Key: "GET /", Limits: []transport.Limit{
				{Name: "address", Key: r.URL.Path, N: 3, Window: time.Second, Private: true},
			}}
		}
	})
	p.mustGet(t, "/warm")
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	var next, mostKeys atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(*addresses) {
					return
				}
				p.mustGet(t, "/"+strconv.FormatInt(i, 10))
				if i%1000 == 0 {
					mostKeys.Store(max(mostKeys.Load(), rdb.DBSize(ctx).Val()))
				}
			}
		})
	}
	all.Wait()
	waitFor(t, "Redis to forget the addresses", func() bool { return rdb.DBSize(ctx).Val() <= 2 })
	p.mustGet(t, "/last")
	after := heap()
	t.Logf("%d addresses: at most some %d keys at once, %d at the end; %d limits in the program, its heap from %d to %d KiB",
		*addresses, mostKeys.Load(), rdb.DBSize(ctx).Val(), len(p.Snapshot().Limits), before>>10, after>>10)
	if after > before+64<<20 {
		t.Errorf("the heap grew by %d bytes", after-before)
	}
}
