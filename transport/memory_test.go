package transport_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// State by key: forgotten when idle, and only then.

// traefik#13704, disgo#161: state was evicted from under a request that held
// it, and the next one started with a second bucket.
func TestEvictionDoesNotRaceItsHolders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lim := func(key string) transport.Limit { return transport.Limit{Name: key, Key: key, N: 1, Window: sec} }
		claims := map[string][]transport.Limit{
			"/1": {lim("a"), lim("b")},
			"/2": {lim("a"), lim("new")}, // the new one looks for something idle to push out
			"/3": {lim("a")},
		}
		srv := newServer(nil)
		rt := newTransport(t, srv, rows{}, func(c *transport.Config) {
			c.Classify = func(r *http.Request) *transport.Claim {
				return &transport.Claim{Endpoint: "GET /", Key: "GET /", Limits: claims[r.URL.Path]}
			}
		})
		mustGet(t, rt, "/1")
		time.Sleep(2 * sec)
		mustGet(t, rt, "/2")
		mustGet(t, rt, "/3")
		if at := srv.times(""); !slices.Equal(at, []time.Duration{0, 2 * sec, 3 * sec}) {
			t.Errorf("sent at %v, want 0s, 2s and 3s: a allows one a second", at)
		}
	})
}

func TestIdleStateIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := limit(1000, sec)
		table.private.N, table.private.Window, table.private.Key = 1, sec, "user "
		table.learn = true
		rt := newTransport(t, newServer(nil), table)
		for i := range 10_000 {
			mustGet(t, rt, fmt.Sprintf("/users/%d", i))
			time.Sleep(10 * time.Millisecond)
		}
		if n := len(rt.Snapshot().Limits); n > 250 { // a hundred are in use, and as many wait for the hand
			t.Errorf("%d buckets are kept", n)
		}
		for i := range 1000 {
			mustGet(t, rt, fmt.Sprintf("/path/%d", i)) // an endpoint of its own
			time.Sleep(10 * sec)
		}
		if n := len(rt.Snapshot().Endpoints); n > 150 { // sixty are shown, and as many wait for the hand
			t.Errorf("%d endpoints are kept", n)
		}
	})
}

// What is shown for ten minutes is counted for ten minutes, whoever comes along.
func TestCountsOfAQuietEndpointAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(nil), limit(1000, sec))
		for range 590 {
			for _, path := range []string{"/a", "/b", "/c", "/d"} {
				mustGet(t, rt, path)
			}
			time.Sleep(sec)
		}
		s := rt.Snapshot()
		if len(s.Endpoints) != 4 {
			t.Errorf("%d endpoints are shown, want 4", len(s.Endpoints))
		}
		for _, ep := range s.Endpoints {
			if ep.Counts.Sent != 590 {
				t.Errorf("%s: %d sent, want 590", ep.Endpoint, ep.Counts.Sent)
			}
		}
	})
}

func TestBlockSurvivesACrowdOfOtherEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(tooMany("3600")))
		rt := newTransport(t, srv, limit(1000, sec), maxWait(time.Minute))
		_, _ = get(rt, "/a")
		for i := range 5000 {
			mustGet(t, rt, fmt.Sprintf("/path/%d", i))
		}
		_, err := get(rt, "/a")
		_ = wantThrottled(t, err, transport.ReasonMaxWait)
	})
}

// What 429s taught must not be forgotten with the block's end.
func TestLearnedRateSurvivesACrowdOfOtherEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := limit(1000, sec)
		table.learn = true
		rt := newTransport(t, newServer(script(tooMany("1"))), table)
		mustGet(t, rt, "/a")
		for i := range 2000 {
			mustGet(t, rt, fmt.Sprintf("/path/%d", i))
		}
		for _, e := range rt.Snapshot().Endpoints {
			if e.Endpoint == "GET /a" {
				if !e.Learned || e.Rate <= 0 || e.Rate > 1000 {
					t.Errorf("what is left: %+v", e)
				}
				return
			}
		}
		t.Error("the endpoint was forgotten")
	})
}
