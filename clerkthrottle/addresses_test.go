package clerkthrottle_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

// busyTransport answers everything with a 429 that blocks for a minute.
type busyTransport struct{}

func (busyTransport) RoundTrip(*http.Request) (*http.Response, error) {
	return reply(http.StatusTooManyRequests, "60", `{"errors":[{"code":"too_many_requests"}]}`), nil
}

// address returns the i-th client address.
func address(i int) string {
	return netip.AddrFrom4([4]byte{byte(10 + i>>24), byte(i >> 16), byte(i >> 8), byte(i)}).String()
}

func signIn(ctx context.Context, rt http.RoundTripper, from string) error {
	return do(ctx, rt, "POST", "https://clerk.example.com/v1/client/sign_ins", "X-Forwarded-For", from)
}

func do(ctx context.Context, rt http.RoundTripper, method, url, header, value string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set(header, value)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// BenchmarkMillion sends one request from each of a million addresses, to an
// endpoint with a row and to one without that blocks them all, for a million users, with a million made-up secret keys, and to a million hosts, as fast as it
// can, so that nothing that is kept is idle. It reports the heap at its peak, what
// is shown of it all, and how many requests were refused: past the bound, newcomers
// share a limit.
//
//	go test ./clerkthrottle -run - -bench Million -benchtime 1x
func BenchmarkMillion(b *testing.B) {
	const million = 1_000_000
	// As many as are sent, so that the instance's limit does not keep them out; its
	// bucket has 8 bytes for each.
	wide := []clerkthrottle.Option{clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, million, 10*time.Second)}
	for _, bb := range []struct {
		name string
		send func(rt http.RoundTripper, i int) error
		opts []clerkthrottle.Option
	}{
		{"addresses", func(rt http.RoundTripper, i int) error { return signIn(b.Context(), rt, address(i)) }, nil},
		{"blocked-addresses", func(rt http.RoundTripper, i int) error {
			return do(b.Context(), rt, "GET", "https://clerk.example.com/v1/client/handshake", "X-Forwarded-For", address(i))
		}, []clerkthrottle.Option{clerkthrottle.WithBase(busyTransport{})}},
		{"users", func(rt http.RoundTripper, i int) error {
			return do(b.Context(), rt, "PATCH", fmt.Sprintf("https://api.clerk.com/v1/users/user_%d", i), "Authorization", "Bearer sk_live_x")
		}, wide},
		{"keys", func(rt http.RoundTripper, i int) error {
			return do(b.Context(), rt, "POST", "https://api.clerk.com/v1/users", "Authorization", fmt.Sprintf("Bearer sk_live_%d", i))
		}, nil},
		{"hosts", func(rt http.RoundTripper, i int) error {
			return do(b.Context(), rt, "POST", fmt.Sprintf("https://clerk.h%d.example/v1/client/sign_ins", i), "X-Forwarded-For", address(i))
		}, nil},
		{"paths", func(rt http.RoundTripper, i int) error {
			return do(b.Context(), rt, "POST", "https://api.clerk.com/v1/"+letters(i), "Authorization", "Bearer sk_live_x")
		}, wide},
	} {
		b.Run(bb.name, func(b *testing.B) {
			for range b.N {
				rt, err := clerkthrottle.NewTransport(append([]clerkthrottle.Option{clerkthrottle.WithBase(okTransport{}),
					clerkthrottle.WithMaxWait(0), clerkthrottle.WithLogger(slog.New(slog.DiscardHandler))}, bb.opts...)...)
				if err != nil {
					b.Fatal(err)
				}
				before, peak, refused := heap(), int64(0), 0
				for i := range million {
					var throttled *clerkthrottle.ThrottledError
					if err := bb.send(rt, i); errors.As(err, &throttled) {
						refused++
					} else if err != nil {
						b.Fatal(err)
					}
					if i%50_000 == 0 {
						peak = max(peak, heap()-before)
					}
				}
				peak = max(peak, heap()-before)
				shown, err := json.Marshal(rt.Snapshot())
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
				b.ReportMetric(float64(len(shown))/(1<<10), "KiB-snapshot")
				b.ReportMetric(float64(refused), "refused")
			}
		})
	}
}

// letters spells a number in letters, like a word of a path.
func letters(i int) string {
	return strings.Map(func(r rune) rune { return r - '0' + 'g' }, fmt.Sprint(i))
}

// heap returns the bytes of live objects.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// kept returns how many private limits a budget keeps count of.
func kept(s transport.Snapshot) int {
	n := 0
	for _, l := range s.PrivateLimits {
		n += l.Kept
	}
	return n
}

func TestBlockedAddressesAreBoundedWithoutARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 100
		rt, err := clerkthrottle.NewTransport(clerkthrottle.WithBase(busyTransport{}), clerkthrottle.WithMaxKeys(most), clerkthrottle.WithMaxWait(0))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 * most {
			// Whether a newcomer past the bound is sent or refused is the budget's to say.
			var throttled *clerkthrottle.ThrottledError
			if err := do(t.Context(), rt, "GET", "https://clerk.example.com/v1/client/handshake", "X-Forwarded-For", address(i)); err != nil && !errors.As(err, &throttled) {
				t.Fatal(err)
			}
		}
		s := rt.Snapshot()
		if len(s.PrivateEndpoints) != 1 || s.PrivateEndpoints[0].Kept < most || s.PrivateEndpoints[0].Kept > most+1 || len(s.Endpoints) > 100+1 {
			t.Errorf("%d endpoints are listed, and %+v summed up, want %d kept", len(s.Endpoints), s.PrivateEndpoints, most)
		}
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestFloodOfAddressesDoesntLiftALimit floods a transport with new addresses, past its
// bound, while a few known ones go on signing in as often as they may and more.
func TestFloodOfAddressesDoesntLiftALimit(t *testing.T) {
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
