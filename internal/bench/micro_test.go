package bench

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/peers"
)

// The cost of a request that does not wait, for one caller and for a thousand at
// once:
//
//	go test ./internal/bench -run '^$' -bench . -count 10 | tee new.txt; benchstat new.txt
//	go test ./internal/bench -run TestOverhead -overhead -v # as ratios, in processor time

// microN is a limit that no measurement reaches.
const microN = 1 << 24

// noop answers at once, with a new response for each request: some clients change it.
type noop struct{}

// RoundTrip implements http.RoundTripper.
func (noop) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: noHeader, Body: http.NoBody}, nil
}

var noHeader = http.Header{}

// facade returns the whole throttle, as NewTransport makes it. The window is short,
// so that the memory of answers stays as small as in reality.
func facade(tb testing.TB, base http.RoundTripper) http.RoundTripper {
	tb.Helper()
	rt, err := clerkthrottle.NewTransport(
		clerkthrottle.WithBase(base),
		clerkthrottle.WithInstanceType(clerkthrottle.Production),
		clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, 1<<20, time.Millisecond),
	)
	if err != nil {
		tb.Fatal(err)
	}
	return rt
}

// copying sends a copy of each request with its own context: the least cost of a
// transport that bounds how long it waits for an answer.
type copying struct {
	http.RoundTripper
	context.Context
}

// RoundTrip implements http.RoundTripper.
func (c copying) RoundTrip(req *http.Request) (*http.Response, error) {
	return c.RoundTripper.RoundTrip(req.WithContext(c.Context))
}

// contestants are the bare transport, one that copies, the throttle, and its peers.
// The AWS mode is as in the SDK's own clients without a 429; the others are as in the
// comparison.
func contestants(tb testing.TB) []contestant {
	all := []contestant{
		{"bare", noop{}},
		{"a copy of the request", copying{noop{}, context.Background()}},
		{"clerkthrottle", facade(tb, noop{})},
	}
	for _, p := range peers.All() {
		all = append(all, contestant{p.Name, p.Client(noop{}, microN, 1)})
	}
	return all
}

type contestant struct {
	name string
	rt   http.RoundTripper
}

func microRequest(tb testing.TB) *http.Request {
	tb.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://api.clerk.com/v1/users?limit=10", nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk_live_bench")
	return req
}

func BenchmarkUncontended(b *testing.B) {
	for _, c := range contestants(b) {
		b.Run(c.name, func(b *testing.B) { alone(b, c.rt) })
	}
}

// BenchmarkContended has a thousand callers use one transport, without waits; run it
// with -cpu 1,2.
func BenchmarkContended(b *testing.B) {
	for _, c := range contestants(b) {
		b.Run(c.name, func(b *testing.B) { together(b, c.rt) })
	}
}

// alone measures one caller.
func alone(b *testing.B, rt http.RoundTripper) {
	req := microRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := rt.RoundTrip(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(err)
		}
		resp.Body.Close()
	}
}

// together measures a thousand callers.
func together(b *testing.B, rt http.RoundTripper) {
	b.ReportAllocs()
	crowd(b, rt, b.N)
}

// crowd makes n requests from a thousand callers.
func crowd(tb testing.TB, rt http.RoundTripper, n int) {
	const callers = 1000
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			req := microRequest(tb)
			for left.Add(-1) >= 0 {
				resp, err := rt.RoundTrip(req)
				if err != nil {
					tb.Error(err)
					return
				}
				resp.Body.Close()
			}
		})
	}
	all.Wait()
}

// TestUncontendedAllocatesOnce checks what needs no clock: the allocations of
// classify, gate, two buckets and settle, in the whole facade.
func TestUncontendedAllocatesOnce(t *testing.T) {
	allocs := func(rt http.RoundTripper) float64 {
		req := microRequest(t)
		return testing.AllocsPerRun(1000, func() {
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		})
	}
	ours, retry := allocs(facade(t, noop{}))-allocs(noop{}), allocs(peers.Retryable(noop{}))-allocs(noop{})
	t.Logf("%v allocations a request over the bare transport; go-retryablehttp: %v", ours, retry)
	if ours > 1 {
		t.Errorf("%v allocations a request over the bare transport, want 1", ours)
	}
}
