package clerkthrottle_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// okTransport answers everything at once, with nothing.
type okTransport struct{}

func (okTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// address returns the i-th client address.
func address(i int) string {
	return netip.AddrFrom4([4]byte{byte(10 + i>>24), byte(i >> 16), byte(i >> 8), byte(i)}).String()
}

func signIn(ctx context.Context, rt http.RoundTripper, from string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://clerk.example.com/v1/client/sign_ins", nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-Forwarded-For", from)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// BenchmarkMillionAddresses sends one sign-in from each of a million addresses,
// as fast as it can, so that none of the limits that are kept is idle. It reports
// the heap at its peak, and what an address that is kept takes in all.
//
//	go test ./clerkthrottle -run - -bench MillionAddresses -benchtime 1x
func BenchmarkMillionAddresses(b *testing.B) {
	const addresses = 1_000_000
	ctx := b.Context()
	for range b.N {
		rt, err := clerkthrottle.NewTransport(clerkthrottle.WithBase(okTransport{}))
		if err != nil {
			b.Fatal(err)
		}
		before, peak := heap(), uint64(0)
		full := uint64(0)
		for i := range addresses {
			if err := signIn(ctx, rt, address(i)); err != nil {
				b.Fatal(err)
			}
			if i%50_000 == 0 {
				peak = max(peak, heap()-before)
			}
			if i == transport.DefaultMaxKeys {
				full = heap() - before
			}
		}
		peak = max(peak, heap()-before)
		b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
		b.ReportMetric(float64(kept(rt.Snapshot())), "addresses-kept")
		b.ReportMetric(float64(full)/transport.DefaultMaxKeys, "B/address")
	}
}

// heap returns the bytes of live objects.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// kept returns how many private limits a budget keeps count of.
func kept(s transport.Snapshot) int {
	n := 0
	for _, l := range s.PrivateLimits {
		n += l.Kept
	}
	return n
}

// TestFloodOfAddressesLiftsALimit floods a transport with new addresses, past its
// bound, while a few known ones go on signing in as often as they may and more.
func TestFloodOfAddressesLiftsALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 1000
		server := clerktest.New(clerktest.WithLogSize(0))
		rt, err := clerkthrottle.NewTransport(clerkthrottle.WithBase(server.RoundTripper()), clerkthrottle.WithMaxKeys(most))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var known sync.WaitGroup
		for i := range 20 {
			known.Go(func() {
				for ctx.Err() == nil {
					if err := signIn(ctx, rt, fmt.Sprintf("192.0.2.%d", i)); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
		synctest.Wait()
		for i := range 50_000 {
			if err := signIn(ctx, rt, address(i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond) // 10,000 new ones a window
			if i%1000 > 0 {
				continue
			}
			if n := kept(rt.Snapshot()); n == 0 || n > most {
				t.Fatalf("%d limits are kept, want some and at most %d", n, most)
			}
		}
		if got := server.Stats().Rejected; got != 0 {
			t.Errorf("%d were answered 429", got)
		}
		if got := server.MaxInWindow("POST /v1/client/sign_ins"); got != 5 {
			t.Errorf("%d in a window from one address, want all of 5", got)
		}
		cancel()
		known.Wait()
	})
}
