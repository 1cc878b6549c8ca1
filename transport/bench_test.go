package transport_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// What the throttle costs where it has nothing to do, and where many want in.

// noop answers at once with one and the same response.
type noop struct{ resp *http.Response }

func (n noop) RoundTrip(*http.Request) (*http.Response, error) { return n.resp, nil }

func newNoop() noop { return noop{&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}} }

// endless is a budget that never runs out within a benchmark. Its windows are
// short, so that the memory of answers stays as small as a real one's.
func endless(tb testing.TB, base http.RoundTripper, learn bool) *transport.Transport {
	shared := transport.Limit{Name: "shared", Key: "shared", N: 1 << 20, Window: time.Millisecond}
	claim := &transport.Claim{Endpoint: "GET /", Key: "GET /", Limits: []transport.Limit{shared}}
	if learn {
		claim.Rate = shared
	}
	return newTransport(tb, base, rows{}, func(c *transport.Config) {
		c.Classify = func(*http.Request) *transport.Claim { return claim }
	})
}

func BenchmarkBare(b *testing.B) { benchmark(b, newNoop()) }

func BenchmarkThrottled(b *testing.B) { benchmark(b, endless(b, newNoop(), false)) }

func BenchmarkThrottledWithRate(b *testing.B) { benchmark(b, endless(b, newNoop(), true)) }

func benchmark(b *testing.B, rt http.RoundTripper) {
	req := request(context.Background(), http.MethodGet, "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := rt.RoundTrip(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(err)
		}
	}
}

// BenchmarkContended has a thousand callers at one transport, all of which find
// a token.
func BenchmarkContended(b *testing.B) { contend(b, endless(b, newNoop(), true)) }

// BenchmarkSaturated has a thousand callers who wait in line for the tokens of
// windows of a millisecond.
func BenchmarkSaturated(b *testing.B) {
	table := limit(500, time.Millisecond)
	contend(b, newTransport(b, newNoop(), table))
}

func contend(b *testing.B, rt http.RoundTripper) {
	const callers = 1000
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			req := request(context.Background(), http.MethodGet, "/", nil)
			for left.Add(-1) >= 0 {
				if _, err := rt.RoundTrip(req); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkLine has so many callers stand in line for the one token of a limit,
// which goes from hand to hand. A step is a grant, a request that is given back,
// and a newcomer: it must cost the same however long the line is.
func BenchmarkLine(b *testing.B) {
	for _, waiters := range []int{100, 1000, 10_000, 100_000} {
		b.Run(strconv.Itoa(waiters), func(b *testing.B) {
			budget := transport.NewScheduler(transport.Config{})
			claim := &transport.Claim{Endpoint: "A", Key: "A", Limits: []transport.Limit{{Name: "one", Key: "one", N: 1, Window: time.Second}}}
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			var all sync.WaitGroup
			for i := range waiters {
				ctx := transport.WithPriority(context.Background(), transport.Priority(i%3-1))
				all.Go(func() {
					for left.Add(-1) >= 0 {
						lease, err := budget.Acquire(ctx, claim, 1000*time.Hour)
						if err != nil {
							b.Error(err)
							return
						}
						lease.Settle(transport.Unsent)
					}
				})
			}
			all.Wait()
		})
	}
}

// The common case, no wait and no retry, must stay cheap: the one allocation is the
// permit, with the copy of the request that has a context of its own.
func TestUncontendedRoundTripAllocatesOnce(t *testing.T) {
	for name, rt := range map[string]*transport.Transport{
		"limit alone": endless(t, newNoop(), false),
		"with a rate": endless(t, newNoop(), true),
	} {
		req := request(context.Background(), http.MethodGet, "/", nil)
		allocs := testing.AllocsPerRun(1000, func() {
			if _, err := rt.RoundTrip(req); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > 1 {
			t.Errorf("%s: %v allocations a request, want one", name, allocs)
		}
	}
}
