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

// The bound on how long one request may wait in all.

func TestMaxWaitZeroRefusesAtOnceAndOnlyWithoutAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		rt := newTransport(t, srv, limit(3, 10*sec), maxWait(0))
		for round := range 4 {
			clients(t, rt, 3, "/a") // every token there is serves somebody
			_, err := get(rt, "/a")
			e := wantThrottled(t, err, transport.ReasonMaxWait)
			if e.Bound != 0 || e.Wait != 10*sec {
				t.Errorf("round %d: the refusal says %+v", round, e)
			}
			if at := time.Since(srv.start); at != time.Duration(round)*10*sec {
				t.Fatalf("round %d: refused at %s, want at once", round, at)
			}
			time.Sleep(10 * sec)
		}
	})
}

func TestMaxWaitZeroHandsA429Back(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, answer := range map[string]func() (*http.Response, error){"told": tooMany("1"), "blind": tooMany()} {
			srv := newServer(script(answer))
			resp, err := get(newTransport(t, srv, limit(3, sec), maxWait(0)), "/a")
			if err != nil || resp.StatusCode != 429 || time.Since(srv.start) != 0 {
				t.Errorf("%s: got (%v, %v) after %s, want the 429 at once", name, resp, err, time.Since(srv.start))
			}
		}
	})
}

// A token that comes back at this very moment is there for a caller that may
// not wait, though others stand in line: there is one for each of them.
func TestMaxWaitZeroSeesTheTokensOfThisMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for i := range 50 {
			patient := newTransport(t, newServer(nil), limit(3, 10*sec))
			hasty := newTransport(t, newServer(nil), limit(3, 10*sec), maxWait(0), func(c *transport.Config) { c.SameAs = patient })
			clients(t, patient, 3, "/a")
			var all sync.WaitGroup
			all.Go(func() { mustGet(t, patient, "/a") })
			all.Go(func() {
				time.Sleep(10 * sec)
				if _, err := get(hasty, "/a"); err != nil {
					t.Errorf("run %d: %v, with two more tokens free", i, err)
				}
			})
			all.Wait()
		}
	})
}

// The bound is on one request, not on each of its attempts.
func TestMaxWaitCountsAllRetriesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(visit) (*http.Response, error) { return tooMany("20")() })
		resp, err := get(newTransport(t, srv, limit(10, sec), maxWait(time.Minute)), "/a")
		if err != nil || resp.StatusCode != 429 {
			t.Fatalf("got (%v, %v), want the last 429", resp, err)
		}
		if at := srv.times(""); !slices.Equal(at, []time.Duration{0, 20 * sec, 40 * sec, 60 * sec}) {
			t.Errorf("sent at %v, want 0s, 20s, 40s and 60s", at)
		}
	})
}

func TestMaxWaitCountsTheWaitBeforeTheFirstAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(code(200), tooMany("20"), tooMany("20")))
		rt := newTransport(t, srv, limit(1, 30*sec), maxWait(time.Minute))
		mustGet(t, rt, "/a")
		resp, err := get(rt, "/a") // 30s for a token, and 30s for the next one; 30s more are too many
		if err != nil || resp.StatusCode != 429 {
			t.Fatalf("got (%v, %v), want the last 429", resp, err)
		}
		if at := srv.times(""); !slices.Equal(at, []time.Duration{0, 30 * sec, 60 * sec}) {
			t.Errorf("sent at %v, want 0s, 30s and 60s", at)
		}
	})
}

// The pauses after failures count, too.
func TestMaxWaitCountsThePausesAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(visit) (*http.Response, error) {
			resp := status(503, "down")
			resp.Header.Set("Retry-After", "25")
			return resp, nil
		})
		resp, err := get(newTransport(t, srv, limit(10, sec), maxWait(time.Minute)), "/a")
		if err != nil || resp.StatusCode != 503 {
			t.Fatalf("got (%v, %v), want the last 503", resp, err)
		}
		if at := srv.times(""); !slices.Equal(at, []time.Duration{0, 25 * sec, 50 * sec}) {
			t.Errorf("sent at %v, want 0s, 25s and 50s", at)
		}
	})
}
