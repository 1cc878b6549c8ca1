package transport_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Cancelled waits. They kept their token in failsafe-go, and their place in
// x/time/rate when others queued behind.

func TestCancelledWaitLeavesNoTokenBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		table := limit(2, 10*sec)
		table.private.N, table.private.Window, table.private.Key = 3, 10*sec, "user "
		rt := newTransport(t, srv, table)
		clients(t, rt, 2, "/a")
		// Each of these takes a private token and waits for a shared one.
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if _, err := rt.RoundTrip(request(ctx, http.MethodGet, "/users/1", nil)); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want context.Canceled", err)
				}
			})
		}
		time.Sleep(sec)
		if b := bucketOf(t, rt.Snapshot(), "user /users/1"); b.Free != 0 {
			t.Fatalf("the test is wrong: %+v", b)
		}
		cancel()
		all.Wait()
		if b := bucketOf(t, rt.Snapshot(), "user /users/1"); b.Free != 3 {
			t.Errorf("the private bucket lost tokens: %+v", b)
		}
		if b := bucketOf(t, rt.Snapshot(), "shared"); b.Waiting != 0 || b.InFlight != 0 {
			t.Errorf("the shared bucket has a trace of it: %+v", b)
		}
	})
}

func TestCancelledWaitLeavesNoPlaceBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		rt := newTransport(t, srv, limit(1, 10*sec))
		mustGet(t, rt, "/a")
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 10 { // 5 that go away, each with one behind it that stays
			all.Go(func() {
				if i%2 == 1 {
					mustGet(t, rt, "/a")
				} else if _, err := rt.RoundTrip(request(ctx, http.MethodGet, "/a", nil)); err == nil {
					t.Error("a cancelled request was sent")
				}
			})
			synctest.Wait()
		}
		cancel()
		all.Wait()
		want := []time.Duration{0, 10 * sec, 20 * sec, 30 * sec, 40 * sec, 50 * sec}
		if at := srv.times(""); !slices.Equal(at, want) {
			t.Errorf("sent at %v, want %v", at, want)
		}
	})
}

// The first of a line holds its timer. Whoever is behind must not sleep on.
func TestCancelOfTheFirstDoesNotStopTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(tooMany("10")))
		rt := newTransport(t, srv, limit(10, sec))
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { _, _ = rt.RoundTrip(request(ctx, http.MethodGet, "/a", nil)) })
		synctest.Wait()
		all.Go(func() { mustGet(t, rt, "/a") })
		synctest.Wait()
		cancel()
		all.Wait()
		if at := srv.times(""); !slices.Equal(at, []time.Duration{0, 10 * sec}) {
			t.Errorf("sent at %v, want 0s and 10s", at)
		}
	})
}

// A caller that is cancelled at the very moment its token comes has it or has
// not: either way the token serves once and is not lost.
func TestCancelAtTheMomentOfTheGrantLosesNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 1000 {
			srv := newServer(nil)
			rt := newTransport(t, srv, limit(1, sec))
			mustGet(t, rt, "/a")
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(sec, cancel)
			var all sync.WaitGroup
			all.Go(func() { _, _ = rt.RoundTrip(request(ctx, http.MethodGet, "/a", nil)) })
			synctest.Wait()
			all.Go(func() { mustGet(t, rt, "/a") })
			all.Wait()
			if at := srv.times(""); at[len(at)-1] > 2*sec || mostInWindow(at, sec) > 1 {
				t.Fatalf("sent at %v", at)
			}
			time.Sleep(sec)
			if b := bucketOf(t, rt.Snapshot(), "shared"); b.Free != 1 {
				t.Fatalf("%+v", b)
			}
		}
	})
}

func TestCancelInFlightReturnsTheTokenAWindowLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		srv.latency = 5 * sec
		rt := newTransport(t, srv, limit(1, 10*sec))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(sec, cancel)
		if _, err := rt.RoundTrip(request(ctx, http.MethodGet, "/a", nil)); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		mustGet(t, rt, "/a")
		if at := srv.times(""); !slices.Equal(at, []time.Duration{0, 11 * sec}) {
			t.Errorf("sent at %v, want 0s and 11s: the server may have counted the first", at)
		}
	})
}

func TestCancelDuringThePauseAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(visit) (*http.Response, error) { return code(503)() })
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("changed my mind")
		time.AfterFunc(100*time.Millisecond, func() { cancel(why) })
		_, err := newTransport(t, srv, limit(10, sec)).RoundTrip(request(ctx, http.MethodGet, "/a", nil))
		if !errors.Is(err, why) || time.Since(srv.start) != 100*time.Millisecond {
			t.Errorf("got %v after %s, want the cause at once", err, time.Since(srv.start))
		}
	})
}

// Request.Cancel is deprecated, and still honoured by net/http.
func TestCancelChannelEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, answers := range map[string][]func() (*http.Response, error){
			"in line":           {code(200)},
			"after a 429":       {tooMany("60")},
			"after a failure":   {code(503), code(503), code(503), code(503)},
			"which is no error": {code(503)},
		} {
			srv := newServer(script(answers...))
			rt := newTransport(t, srv, limit(1, 10*sec))
			if name == "in line" {
				mustGet(t, rt, "/a")
			}
			channel := make(chan struct{})
			time.AfterFunc(100*time.Millisecond, func() { close(channel) })
			req := request(t.Context(), http.MethodGet, "/a", nil)
			req.Cancel = channel //nolint:staticcheck // the point of it
			start := time.Now()
			resp, err := rt.RoundTrip(req)
			if resp != nil || err == nil || time.Since(start) != 100*time.Millisecond || len(srv.log()) != 1 {
				t.Errorf("%s: got (%v, %v) after %s and %d requests", name, resp, err, time.Since(start), len(srv.log()))
			}
		}
	})
}

func TestClosedCancelChannelIsNoFailureToRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		channel := make(chan struct{})
		cancelled := errors.New("net/http: request canceled")
		rt := newTransport(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
			sent++
			time.AfterFunc(sec, func() { close(channel) })
			<-req.Cancel //nolint:staticcheck // as net/http does
			return nil, cancelled
		}), limit(10, sec))
		req := request(t.Context(), http.MethodGet, "/a", nil)
		req.Cancel = channel //nolint:staticcheck // the point of it
		if _, err := rt.RoundTrip(req); !errors.Is(err, cancelled) || sent != 1 {
			t.Errorf("sent %d times: %v", sent, err)
		}
	})
}
