package transport_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// New, Close, and what each field of the Config does: an option that does
// nothing passes for one that works (gofri's WithNoSleep).

func TestNewNamesTheFieldThatIsWrong(t *testing.T) {
	for field, cfg := range map[string]transport.Config{
		"Config.Classify": {},
	} {
		if rt, err := transport.New(cfg); rt != nil || err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("got (%v, %v), want an error that names %s", rt, err, field)
		}
	}
}

func TestNilBaseIsTheDefaultTransport(t *testing.T) {
	old := http.DefaultTransport
	defer func() { http.DefaultTransport = old }()
	srv := newServer(nil)
	http.DefaultTransport = srv
	mustGet(t, newTransport(t, nil, limit(1, sec)), "/a")
	if len(srv.log()) != 1 {
		t.Error("the request did not go through http.DefaultTransport")
	}
}

func TestClassifyIsCalledOnceARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		rt := newTransport(t, newServer(script(tooMany("1"), code(503))), limit(10, sec), func(c *transport.Config) {
			classify := c.Classify
			c.Classify = func(r *http.Request) *transport.Claim { calls++; return classify(r) }
		})
		mustGet(t, rt, "/a")
		if calls != 1 {
			t.Errorf("called %d times", calls)
		}
	})
}

func TestRuled429IsHandedBackAndItsRetryAfterStillBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(func() (*http.Response, error) {
			resp := status(429, `{"code":"quota_exceeded"}`)
			resp.Header.Set("Retry-After", "30")
			return resp, nil
		}))
		rt := newTransport(t, srv, limit(10, sec), func(c *transport.Config) {
			c.Ruled = func(body []byte) bool { return strings.Contains(string(body), "quota_exceeded") }
		})
		resp, err := get(rt, "/a")
		if err != nil || resp.StatusCode != 429 || len(srv.log()) != 1 {
			t.Fatalf("got (%v, %v) after %d requests, want the 429 after one", resp, err, len(srv.log()))
		}
		if got := readAll(t, resp); got != `{"code":"quota_exceeded"}` {
			t.Errorf("body %q", got)
		}
		mustGet(t, rt, "/a")
		if at := srv.times("")[1]; at != 30*sec {
			t.Errorf("the next one went at %s, want 30s", at)
		}
	})
}

func TestRuledSeesTheBeginningOfALongBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := -1
		srv := newServer(script(func() (*http.Response, error) { return status(429, strings.Repeat("x", 1<<20)), nil }))
		rt := newTransport(t, srv, limit(10, sec), func(c *transport.Config) {
			c.Ruled = func(body []byte) bool { seen = len(body); return true }
		})
		resp, err := get(rt, "/a")
		if err != nil || seen != 64<<10 || len(readAll(t, resp)) != 1<<20 {
			t.Errorf("%v; Ruled saw %d bytes, want 64 KiB", err, seen)
		}
	})
}

func TestTransportDrawsOnTheTokensOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		one := newTransport(t, srv, limit(1, sec))
		two := newTransport(t, srv, limit(1, sec), func(c *transport.Config) { c.SameAs = one })
		mustGet(t, one, "/a")
		mustGet(t, two, "/a")
		if at := srv.times("")[1]; at != sec {
			t.Errorf("the second went at %s, want 1s", at)
		}
	})
}

func TestCloseFreesTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(v visit) (*http.Response, error) {
			if v.path == "/blocked" {
				return tooMany("600")()
			}
			return status(200, "ok"), nil
		})
		rt := newTransport(t, srv, limit(2, time.Hour), maxWait(100*time.Hour))
		var all sync.WaitGroup
		all.Go(func() { // sent, and now held at the gate: the 429 is its answer
			if resp, err := get(rt, "/blocked"); err != nil || resp.StatusCode != 429 {
				t.Errorf("got (%v, %v), want the 429", resp, err)
			}
		})
		synctest.Wait()
		mustGet(t, rt, "/a")
		for _, path := range []string{"/a", "/blocked"} { // never sent
			all.Go(func() {
				_, err := get(rt, path)
				_ = wantThrottled(t, err, transport.ReasonClosed)
			})
		}
		synctest.Wait()
		closed := time.Now()
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
		if took := time.Since(closed); took != 0 {
			t.Errorf("freed after %s", took)
		}
		if err := rt.Close(); err != nil {
			t.Errorf("closing twice: %v", err)
		}
	})
}

func TestRequestAfterCloseIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(nil), limit(2, sec))
		_ = rt.Close()
		_, err := get(rt, "/a")
		e := wantThrottled(t, err, transport.ReasonClosed)
		if !strings.Contains(e.Error(), "closed") || errors.Unwrap(e) != nil || e.Timeout() {
			t.Errorf("the refusal says %v", e)
		}
	})
}

func TestCloseLeavesRequestsUnderWayToFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		srv.latency = 5 * sec
		rt := newTransport(t, srv, limit(2, sec))
		time.AfterFunc(sec, func() { _ = rt.Close() })
		mustGet(t, rt, "/a")
		if b := bucketOf(t, rt.Snapshot(), "shared"); b.InFlight != 0 {
			t.Errorf("the token of a request that finished is still out: %+v", b)
		}
	})
}

func TestCloseLeavesTheOtherTransportOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(nil), limit(2, sec))
		_ = newTransport(t, newServer(nil), limit(2, sec), func(c *transport.Config) { c.SameAs = rt }).Close()
		mustGet(t, rt, "/a")
	})
}

// closer is a base that counts how often its idle connections are closed.
type closer struct {
	*server
	n int
}

func (c *closer) CloseIdleConnections() { c.n++ }

func TestCloseIdleConnectionsReachesTheBase(t *testing.T) {
	base := &closer{server: newServer(nil)}
	(&http.Client{Transport: newTransport(t, base, limit(2, sec))}).CloseIdleConnections()
	if base.n != 1 {
		t.Errorf("called %d times", base.n)
	}
}
