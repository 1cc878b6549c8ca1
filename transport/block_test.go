package transport_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// The block that a 429 puts on an endpoint.

const sec = time.Second

// clients starts n callers of one path at once and waits for all of them.
func clients(t *testing.T, rt http.RoundTripper, n int, path string) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() { mustGet(t, rt, path) })
	}
	all.Wait()
}

// All sleepers woke together when a block ended: 55 sends under a limit of 5 a
// second in one report.
func TestNoHerdWhenABlockEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(tooMany("10")))
		rt := newTransport(t, srv, limit(5, sec))
		clients(t, rt, 55, "/a")
		at := srv.times("")[5:] // five went before the block, the rest after it
		if at[0] != 10*sec {
			t.Errorf("the first went at %s, want 10s", at[0])
		}
		if n := mostInWindow(at, sec); n != 5 {
			t.Errorf("%d in a second after the block, want 5", n)
		}
		if last := at[len(at)-1]; last != 20*sec {
			t.Errorf("51 requests at 5 a second went until %s, want 20s", last)
		}
	})
}

// Answers of requests that were under way when the gate closed close it again:
// whoever wakes looks at it once more.
func TestWakersCheckTheBlockAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(v visit) (*http.Response, error) {
			if v.at < 20*sec {
				return tooMany("10")()
			}
			return status(200, "ok"), nil
		})
		clients(t, newTransport(t, srv, limit(3, sec)), 6, "/a")
		for _, at := range srv.times("") {
			if at != 0 && at != 10*sec && at < 20*sec {
				t.Errorf("sent at %s, within a block", at)
			}
		}
	})
}

// gofri: a shorter Retry-After replaced a longer one.
func TestShorterRetryAfterDoesNotOverwriteALongerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(v visit) (*http.Response, error) {
			switch v.nth {
			case 0:
				time.Sleep(sec)
				return tooMany("29")()
			case 1: // under way at the same time, answered later
				time.Sleep(2 * sec)
				return tooMany("1")()
			}
			return status(200, "ok"), nil
		})
		clients(t, newTransport(t, srv, limit(10, sec)), 2, "/a")
		if at := srv.times(""); !slices.Equal(at, []time.Duration{0, 0, 30 * sec, 30 * sec}) {
			t.Errorf("sent at %v, want nothing between 0s and 30s", at)
		}
	})
}

// gofri: the timer of an older block cleared a newer one.
func TestEndOfAnOlderBlockDoesNotClearANewerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(v visit) (*http.Response, error) {
			switch v.nth {
			case 0:
				time.Sleep(sec)
				return tooMany("5")()
			case 1:
				time.Sleep(3 * sec)
				return tooMany("30")()
			}
			return status(200, "ok"), nil
		})
		clients(t, newTransport(t, srv, limit(10, sec)), 2, "/a")
		if at := srv.times(""); !slices.Equal(at, []time.Duration{0, 0, 33 * sec, 33 * sec}) {
			t.Errorf("sent at %v, want nothing between 0s and 33s", at)
		}
	})
}

// Honouring it would hang for hours, cutting it short trips the limit again:
// the 429 goes back as it came, and the block stays.
func TestHugeRetryAfterHandsThe429BackAndStaysInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(tooMany("86400")))
		rt := newTransport(t, srv, limit(10, sec), maxWait(time.Minute))
		resp, err := get(rt, "/a")
		if err != nil || resp.StatusCode != http.StatusTooManyRequests || time.Since(srv.start) != 0 {
			t.Fatalf("got (%v, %v) after %s, want the 429 at once", resp, err, time.Since(srv.start))
		}
		if got := readAll(t, resp); got != "too many" || resp.Header.Get("Retry-After") != "86400" {
			t.Errorf("the 429 is not as it came: %q, %v", got, resp.Header)
		}
		_, err = get(rt, "/a")
		e := wantThrottled(t, err, transport.ReasonMaxWait)
		if e.Hold != transport.HoldBlock || e.Wait != 24*time.Hour || e.Bound != time.Minute || !e.RetryAt.Equal(srv.start.Add(24*time.Hour)) {
			t.Errorf("the refusal says %+v", e)
		}
		if n := len(srv.log()); n != 1 {
			t.Errorf("%d requests were sent, want one", n)
		}
		time.Sleep(24*time.Hour - time.Minute)
		mustGet(t, rt, "/a") // within the bound again
	})
}

// hashicorp/go-retryablehttp#297: the seconds overflowed, and it retried hot.
func TestOverflowingRetryAfterDoesNotRetryHot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, v := range []string{"9223372037", "9223372036854775808", "99999999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"} {
			srv := newServer(func(visit) (*http.Response, error) { return tooMany(v)() })
			rt := newTransport(t, srv, limit(10, sec))
			resp, err := get(rt, "/a")
			if err != nil || resp.StatusCode != 429 || len(srv.log()) != 1 {
				t.Fatalf("Retry-After %s: (%v, %v) after %d requests, want the 429 after one", v, resp, err, len(srv.log()))
			}
			if _, err := get(rt, "/a"); err == nil || strings.Contains(err.Error(), "-") && !strings.Contains(err.Error(), "retry at") {
				t.Errorf("Retry-After %s: then %v, want a refusal", v, err)
			}
			if u := rt.Snapshot().Endpoints[0].BlockedUntil; u == nil || u.Before(time.Now().Add(9*365*24*time.Hour)) {
				t.Errorf("Retry-After %s: blocked until %v", v, u)
			}
		}
	})
}

func TestBlockOfOneEndpointLeavesOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(v visit) (*http.Response, error) {
			if v.path == "/a" && v.at < 30*sec {
				return tooMany("30")()
			}
			return status(200, "ok"), nil
		})
		rt := newTransport(t, srv, limit(10, sec))
		var all sync.WaitGroup
		all.Go(func() { clients(t, rt, 20, "/a") })
		time.Sleep(2 * sec)
		before := time.Now()
		clients(t, rt, 10, "/b")
		if took := time.Since(before); took != 0 {
			t.Errorf("/b waited %s for the block of /a", took)
		}
		all.Wait()
		for _, at := range srv.times("/a") {
			if at != 0 && at < 30*sec {
				t.Errorf("/a was sent at %s, within its block", at)
			}
		}
	})
}

// Some mechanisms lose a wake-up when the gate closes while it is being passed.
func TestEveryWaiterCompletesAfterABlock(t *testing.T) {
	for _, learn := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv := newServer(func(v visit) (*http.Response, error) {
				if v.at%(7*sec) < sec/2 {
					return tooMany("2")()
				}
				return status(200, "ok"), nil
			})
			srv.latency = 100 * time.Millisecond
			table := limit(20, sec)
			table.learn = learn
			rt := newTransport(t, srv, table)
			var all sync.WaitGroup
			for i := range 200 {
				all.Go(func() { mustGet(t, rt, []string{"/a", "/b", "/c"}[i%3]) })
				time.Sleep(10 * time.Millisecond)
			}
			all.Wait()
			for _, e := range rt.Snapshot().Endpoints {
				if e.Waiting != 0 {
					t.Errorf("%d still wait at %s", e.Waiting, e.Endpoint)
				}
			}
		})
	}
}

// Whoever cannot wait for the new end of a block is told when it is known, not
// when his bound is over.
func TestWaiterIsToldWhenTheBlockGrowsBeyondItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(v visit) (*http.Response, error) {
			if v.nth == 1 {
				time.Sleep(3 * sec)
				return tooMany("3600")()
			}
			time.Sleep(sec / 2)
			return tooMany("10")()
		})
		rt := newTransport(t, srv, limit(10, sec), maxWait(time.Minute))
		go func() { _, _ = get(rt, "/a") }()
		go func() { _, _ = get(rt, "/a") }()
		time.Sleep(sec)
		_, err := rt.RoundTrip(request(context.Background(), http.MethodGet, "/a", nil))
		_ = wantThrottled(t, err, transport.ReasonMaxWait)
		if at := time.Since(srv.start); at != 3*sec {
			t.Errorf("told at %s, want 3s, when the longer block came", at)
		}
	})
}
