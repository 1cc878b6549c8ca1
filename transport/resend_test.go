package transport_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// net/http sends idempotent requests again by itself when a kept-alive connection
// ends before the answer: one call, 21 requests at the server with 64 idle
// connections, and none of them but the first had a token. Each pays for one now.

// cutter is an HTTP/1.1 server that ends connections, and notes when requests
// arrived: each before anything else is done about it, so that the client cannot
// know of its end earlier.
type cutter struct {
	net.Listener
	start time.Time
	cut   func(nth int64) (cut bool) // the nth request's connection, after reading it
	idle  func(nth int64) (cut bool) // after answering it, without a word

	mu   sync.Mutex
	at   []time.Duration
	open sync.WaitGroup
	nth  atomic.Int64
}

func newCutter(t *testing.T, cut, idle func(int64) bool) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l, start: time.Now(), cut: cut, idle: idle}
	c.open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.open.Go(func() {
				defer func() { _ = conn.Close() }()
				c.serve(conn)
			})
		}
	})
	return c
}

func (c *cutter) serve(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		nth := c.nth.Add(1)
		c.mu.Lock()
		c.at = append(c.at, time.Since(c.start))
		c.mu.Unlock()
		if c.cut(nth) {
			if nth%2 == 0 {
				_ = conn.(*net.TCPConn).SetLinger(0) // a reset, not an end
			}
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil || c.idle(nth) {
			return
		}
	}
}

func (c *cutter) stop() []time.Duration {
	_ = c.Close()
	c.open.Wait()
	slices.Sort(c.at)
	return c.at
}

func never(int64) bool { return false }

// call makes one request and reads its answer.
func call(ctx context.Context, rt http.RoundTripper, method, url string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return err
}

func TestRequestSentAgainByNetHTTPCostsAToken(t *testing.T) {
	const idle = 16
	// All at once, so that each has a connection of its own; then all are cut.
	var warm sync.WaitGroup
	warm.Add(idle)
	srv := newCutter(t, func(nth int64) bool {
		if nth <= idle {
			warm.Done()
			warm.Wait()
		}
		return nth > idle
	}, never)
	base := &http.Transport{MaxIdleConnsPerHost: idle}
	rt := newTransport(t, base, limit(100, time.Hour))
	var all sync.WaitGroup
	for range idle {
		all.Go(func() {
			if err := call(t.Context(), rt, http.MethodGet, "http://"+srv.Addr().String()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if call(t.Context(), rt, method, "http://"+srv.Addr().String()) == nil {
			t.Errorf("%s: no error although every connection is cut", method)
		}
	}
	base.CloseIdleConnections()
	arrived := len(srv.stop())
	b := bucketOf(t, rt.Snapshot(), "shared")
	if spent := b.N - b.Free; spent < arrived || b.InFlight != 0 {
		t.Errorf("%d requests arrived for %d tokens", arrived, spent)
	}
	// The GET is tried as net/http does, on each connection that is kept alive and a
	// new one, and three times more; the POST once.
	if want := idle + idle + 1 + 3 + 1; arrived > want {
		t.Errorf("%d requests arrived, want %d at most", arrived, want)
	}
}

// The independent checker: every half-open window at a server that ends
// connections at random, over real sockets.
func TestNeverMoreThanNWithConnectionsCutAtRandom(t *testing.T) {
	const (
		seeds  = 100
		n      = 8
		window = 50 * time.Millisecond
	)
	var together sync.WaitGroup
	var again atomic.Int64
	slots := make(chan struct{}, 50)
	for seed := range uint64(seeds) {
		slots <- struct{}{}
		together.Go(func() {
			defer func() { <-slots }()
			dice := func(share int64) func(int64) bool {
				return func(nth int64) bool {
					return rand.New(rand.NewPCG(seed, uint64(nth))).Int64N(100) < share
				}
			}
			srv := newCutter(t, dice(15), dice(int64(seed%3)*10))
			base := &http.Transport{MaxIdleConnsPerHost: 64}
			rt := newTransport(t, base, limit(n, window), func(c *transport.Config) {
				c.RetryBudget = &transport.RetryBudget{Fraction: 3}
			})
			var all sync.WaitGroup
			var served atomic.Int64
			for i := range 24 {
				all.Go(func() {
					for range 3 {
						method := []string{http.MethodGet, http.MethodDelete, http.MethodPost}[i%3]
						if call(context.Background(), rt, method, "http://"+srv.Addr().String()+fmt.Sprint("/", i)) == nil {
							served.Add(1)
						}
					}
				})
			}
			all.Wait()
			base.CloseIdleConnections()
			at := srv.stop()
			if most := mostInWindow(at, window); most > n {
				t.Errorf("seed %d: %d requests in a window of %d", seed, most, n)
			}
			if served.Load() < 48 {
				t.Errorf("seed %d: %d of 72 calls served", seed, served.Load())
			}
			again.Add(int64(len(at) - 72))
		})
	}
	together.Wait()
	if again.Load() <= seeds {
		t.Errorf("%d requests were sent again: this shows nothing", again.Load())
	}
}

// What a base does by itself after an answer is its own business: a token that it
// fetches, a challenge that it meets. Nor does a trace of the caller's own suffer.
func TestBaseMayMakeSeveralRequests(t *testing.T) {
	srv := newCutter(t, never, never)
	inner := &http.Transport{}
	base := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		for range 2 {
			if err := call(req.Context(), inner, http.MethodGet, req.URL.String()); err != nil {
				return nil, err
			}
		}
		return inner.RoundTrip(req)
	})
	rt := newTransport(t, base, limit(100, time.Hour))
	if err := call(t.Context(), rt, http.MethodGet, "http://"+srv.Addr().String()); err != nil {
		t.Error(err)
	}
	inner.CloseIdleConnections()
	if n := len(srv.stop()); n != 3 {
		t.Errorf("%d requests arrived, want three", n)
	}
}
