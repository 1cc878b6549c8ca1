package transport_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// addresses is a table as of a proxy: every path is an address with a limit and
// an endpoint of its own.
func addresses(n int) func(*transport.Config) {
	return func(c *transport.Config) {
		c.Classify = func(r *http.Request) *transport.Claim {
			return &transport.Claim{Endpoint: "POST /in", Key: "POST /in " + r.URL.Path, Limits: []transport.Limit{
				{Name: "address", Key: r.URL.Path, N: n, Window: 10 * sec, Private: true},
			}}
		}
	}
}

// A proxy keeps a hundred thousand addresses: a snapshot of them is read by
// people and sent once a second.
func TestSnapshotOf100000AddressesIsSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		srv.visits = make([]visit, 0, 100_200)
		rt := newTransport(t, srv, rows{}, addresses(3), func(c *transport.Config) { c.MaxKeys = 100_000 })
		for i := range 100_000 {
			mustGet(t, rt, fmt.Sprint("/", i))
		}
		mustGet(t, rt, "/777")
		var all sync.WaitGroup
		all.Go(func() { clients(t, rt, 7, "/4711") })
		synctest.Wait()
		before := time.Now()
		s := rt.Snapshot()
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if time.Since(before) != 0 || len(b) > 100<<10 {
			t.Errorf("it has %d bytes", len(b))
		}
		if len(s.Limits) != transport.SnapshotPrivate {
			t.Errorf("it lists %d limits", len(s.Limits))
		}
		if l := bucketOf(t, s, "/4711"); l.Waiting != 5 || l.Next == nil { // the busiest are there
			t.Errorf("%+v", l)
		}
		if l := bucketOf(t, s, "/777"); l.Free != 1 {
			t.Errorf("%+v", l)
		}
		want := []snapshot.PrivateLimits{{
			Name: "address", Kept: 100_000, Exhausted: 1, N: 300_000, Free: 200_000 - 3, Returning: 100_003,
			Waiting: 5, ByClass: snapshot.Classes{Normal: 5},
		}}
		if !reflect.DeepEqual(s.PrivateLimits, want) {
			t.Errorf("the sums are %+v, want %+v", s.PrivateLimits, want)
		}
		all.Wait()
	})
}

// A crowd of addresses that are blocked is in the sums, and the one that somebody
// waits for in the list.
func TestSnapshotListsTheBusiestOfTheBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(func(visit) (*http.Response, error) { return tooMany("30")() }), rows{},
			addresses(3), maxWait(time.Minute))
		for i := range 500 {
			_, _ = rt.RoundTrip(request(within(t, sec), http.MethodGet, fmt.Sprint("/", i), nil))
		}
		var all sync.WaitGroup
		all.Go(func() { _, _ = get(rt, "/123") })
		synctest.Wait()
		s := rt.Snapshot()
		want := []snapshot.PrivateEndpoints{{Endpoint: "POST /in", Kept: 500, Blocked: 500, Waiting: 1, ByClass: snapshot.Classes{Normal: 1},
			Counts: snapshot.Counts{Sent: 500, Throttled: 500, Refused: 500}}}
		if !reflect.DeepEqual(s.PrivateEndpoints, want) {
			t.Errorf("the sums are %+v, want %+v", s.PrivateEndpoints, want)
		}
		if len(s.Endpoints) != transport.SnapshotPrivate {
			t.Errorf("%d are listed", len(s.Endpoints))
		}
		for _, e := range s.Endpoints {
			if e.Waiting == 1 && e.Key == "POST /in /123" {
				all.Wait()
				return
			}
		}
		t.Error("the one that somebody waits for is not listed")
	})
}

// What a test saw of waits, refusals, 429s and retries is what the counts say,
// in all and over the last ten minutes; and the JSON says the same.
func TestCountsAgreeWithWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(v visit) (*http.Response, error) {
			if v.nth == 7 {
				return tooMany("3")()
			}
			return status(200, ""), nil
		})
		rt := newTransport(t, srv, limit(5, 10*sec))
		var all sync.WaitGroup
		all.Go(func() { clients(t, rt, 12, "/a") }) // 5 at once, 5 wait 10s, 2 wait 20s; one of them is answered 429
		time.Sleep(sec)
		_, err := rt.RoundTrip(request(within(t, sec), http.MethodGet, "/a", nil))
		all.Wait()
		_ = wantThrottled(t, err, transport.ReasonDeadline)
		s := rt.Snapshot()
		e := s.Endpoints[0]
		want := snapshot.Counts{Sent: int64(len(srv.log())), Waited: 8, Refused: 1, Throttled: 1, Retried: 1}
		if e.Counts != want || want.Sent != 13 {
			t.Errorf("counts %+v, want %+v", e.Counts, want)
		}
		near := func(name string, got, want time.Duration) {
			if got < want || got > want+want/4 {
				t.Errorf("%s is %s, want %s or a quarter above", name, got, want)
			}
		}
		near("P50", e.Waits.P50, 10*sec)
		near("P99", e.Waits.P99, 20*sec)
		near("Max", e.Waits.Max, 20*sec)
		var sum snapshot.Counts
		var wait time.Duration
		for _, slice := range s.History.Slices {
			sum.Sent += slice.Sent
			sum.Waited += slice.Waited
			sum.Refused += slice.Refused
			sum.Throttled += slice.Throttled
			sum.Retried += slice.Retried
			wait += slice.Wait
		}
		if sum != want {
			t.Errorf("the history adds up to %+v, want %+v", sum, want)
		}
		if wait < 90*sec || wait > 110*sec {
			t.Errorf("all waits together took %s", wait)
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back transport.Snapshot
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if again, _ := json.Marshal(back); string(again) != string(b) || !back.Time.Equal(s.Time) {
			t.Errorf("JSON there and back: %s, then %s", b, again)
		}
	})
}

// A thousand keys that somebody made up have a limit, and an endpoint for every
// operation, each.
func TestSnapshotOfManySharedLimitsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		rt := newTransport(t, srv, rows{}, func(c *transport.Config) {
			c.Classify = func(r *http.Request) *transport.Claim {
				key := r.URL.Path[:3]
				return &transport.Claim{Endpoint: "GET /v1/users", Key: r.URL.Path, Limits: []transport.Limit{
					{Name: "instance", Key: key, N: 100, Window: 10 * sec},
				}}
			}
		})
		for i := range 5000 {
			mustGet(t, rt, fmt.Sprintf("/%04d", i))
		}
		mustGet(t, rt, "/0001")
		var all sync.WaitGroup
		all.Go(func() { clients(t, rt, 100, "/4999") })
		synctest.Wait()
		s := rt.Snapshot()
		if len(s.Endpoints) != 1000 || len(s.Limits) != 50 || s.Unlisted != 4000 {
			t.Errorf("%d endpoints and %d limits listed, %d not; want 1000, 50 and 4000", len(s.Endpoints), len(s.Limits), s.Unlisted)
		}
		for _, key := range []string{"/0001", "/4999"} { // the busiest are there
			if !slices.ContainsFunc(s.Endpoints, func(e snapshot.Endpoint) bool { return e.Key == key }) {
				t.Errorf("%s is not listed", key)
			}
		}
		all.Wait()
	})
}
