package transport_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// bare is a table without a limit: nothing is learned, and only the gate holds.
var bare = func(c *transport.Config) {
	c.Classify = func(r *http.Request) *transport.Claim {
		return &transport.Claim{Endpoint: "GET " + r.URL.Path, Key: "GET " + r.URL.Path}
	}
}

// One call to an endpoint without a limit, whose server says "in a millisecond" for
// a minute.
func TestTinyRetryAfterDoesNotMakeACallHammer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(visit) (*http.Response, error) { return tooMany("0.001")() })
		rt := newTransport(t, srv, rows{}, bare, maxWait(time.Minute))
		if resp, err := get(rt, "/jwks"); err != nil || resp.StatusCode != 429 {
			t.Errorf("%v, %v", resp, err)
		}
		if n := len(srv.log()); n > 80 {
			t.Errorf("%d requests in a minute, want about one a second", n)
		}
	})
}

// Ten thousand behind the block of an endpoint without a limit.
func TestWaitersBehindABlockAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(tooMany("5")))
		rt := newTransport(t, srv, rows{}, bare, maxWait(time.Minute))
		var all sync.WaitGroup
		for range 10_000 {
			all.Go(func() { mustGet(t, rt, "/jwks") })
			if len(srv.log()) == 0 {
				synctest.Wait()
			}
		}
		all.Wait()
		at, most := srv.times(""), 0
		for i := range at {
			n, _ := slices.BinarySearch(at, at[i]+10*time.Millisecond)
			most = max(most, n-i)
		}
		if most > 5000 || at[len(at)-1] > 8*sec {
			t.Errorf("%d within 10ms, the last at %v", most, at[len(at)-1])
		}
	})
}

// Whoever cannot be served within its bound is told at once, though answers take
// time: limit 10 a second, 60 callers, three seconds at most.
func TestRefusalsComeAtOnce(t *testing.T) {
	for _, latency := range []time.Duration{0, time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			srv := newServer(func(visit) (*http.Response, error) {
				time.Sleep(latency)
				return status(200, ""), nil
			})
			rt := newTransport(t, srv, limit(10, sec), maxWait(3*sec))
			for range 10 { // what an answer takes is known
				mustGet(t, rt, "/a")
			}
			time.Sleep(5 * sec)
			began := time.Now()
			var mu sync.Mutex
			served, atOnce, late := 0, 0, 0
			var all sync.WaitGroup
			for range 60 {
				all.Go(func() {
					_, err := get(rt, "/a")
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						served++
					case time.Since(began) == 0:
						atOnce++
					default:
						late++
					}
				})
			}
			all.Wait()
			t.Logf("answers take %v: %d served, %d refused at once, %d later", latency, served, atOnce, late)
			if late > 0 || served < 30 {
				t.Errorf("%d served, %d refused at once, %d later", served, atOnce, late)
			}
		})
	}
}
