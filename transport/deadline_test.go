package transport_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Deadlines: a wait that would end too late is refused before it begins.

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// wantDeadline insists on a refusal for a deadline, after the given time.
func wantDeadline(t *testing.T, start time.Time, err error, after time.Duration) *transport.ThrottledError {
	t.Helper()
	e := wantThrottled(t, err, transport.ReasonDeadline)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is no context.DeadlineExceeded", err)
	}
	if took := time.Since(start); took != after {
		t.Errorf("refused after %s, want %s", took, after)
	}
	return e
}

func TestDeadlineIsRefusedBeforeSleeping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(nil), limit(1, 10*sec))
		mustGet(t, rt, "/a")
		start := time.Now()
		_, err := rt.RoundTrip(request(within(t, 5*sec), http.MethodGet, "/a", nil))
		e := wantDeadline(t, start, err, 0)
		if e.Hold != transport.HoldLimit || e.Limit != "shared" || e.N != 1 || e.Window != 10*sec ||
			e.Wait != 10*sec || e.Bound != 5*sec || !e.RetryAt.Equal(start.Add(10*sec)) || e.Endpoint != "GET /a" || !e.Timeout() {
			t.Errorf("the refusal says %+v", e)
		}
	})
}

// A wait that ends at the very deadline is too long, too: nothing can be sent
// any more. With a bound of the same length it is still the deadline's fault.
func TestDeadlineAtTheEndOfTheWaitIsRefusedBeforeSleeping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(nil), limit(1, 10*sec), maxWait(10*sec))
		mustGet(t, rt, "/a")
		_, err := rt.RoundTrip(request(within(t, 10*sec), http.MethodGet, "/a", nil))
		_ = wantDeadline(t, time.Now(), err, 0)
	})
}

func TestDeadlineIsRefusedByTheBlockBeforeSleeping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(script(tooMany("10"))), limit(10, sec))
		resp, err := rt.RoundTrip(request(within(t, 5*sec), http.MethodGet, "/a", nil))
		if err != nil || resp.StatusCode != http.StatusTooManyRequests {
			t.Fatalf("got (%v, %v), want the 429", resp, err)
		}
		start := time.Now()
		_, err = rt.RoundTrip(request(within(t, 5*sec), http.MethodGet, "/a", nil))
		if e := wantDeadline(t, start, err, 0); e.Hold != transport.HoldBlock {
			t.Errorf("the refusal says %+v", e)
		}
	})
}

// The token of an answer that is not in yet comes back nobody knows when. A
// request that waits for it in vain says so in the same words.
func TestDeadlineInTheMiddleOfAnUnknownWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		srv.latency = 30 * sec
		rt := newTransport(t, srv, limit(1, sec))
		go mustGet(t, rt, "/a")
		synctest.Wait()
		start := time.Now()
		_, err := rt.RoundTrip(request(within(t, 5*sec), http.MethodGet, "/a", nil))
		_ = wantDeadline(t, start, err, 5*sec)
		time.Sleep(time.Minute)
	})
}

func TestClientTimeoutIsRefusedBeforeSleeping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(nil), limit(1, 10*sec))
		client := &http.Client{Transport: rt, Timeout: 5 * sec}
		resp, err := client.Get("http://server.test/a")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		start := time.Now()
		_, err = client.Get("http://server.test/a")
		_ = wantDeadline(t, start, err, 0)
		var u *url.Error
		if !errors.As(err, &u) || !u.Timeout() {
			t.Errorf("%v is no timeout to net/url", err)
		}
	})
}

// hashicorp/go-retryablehttp#272: the 429 was hidden behind the timeout that
// waiting for it ran into.
func TestReal429IsNotHiddenBehindATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, answer := range map[string]func() (*http.Response, error){
			"Retry-After beyond it": tooMany("60"),
			"Retry-After at it":     tooMany("5"),
		} {
			rt := newTransport(t, newServer(script(answer)), limit(10, sec))
			start := time.Now()
			resp, err := (&http.Client{Transport: rt, Timeout: 5 * sec}).Get("http://server.test/a")
			if err != nil || resp.StatusCode != http.StatusTooManyRequests || time.Since(start) != 0 {
				t.Fatalf("%s: got (%v, %v) after %s, want the 429 at once", name, resp, err, time.Since(start))
			}
			if got := readAll(t, resp); got != "too many" {
				t.Errorf("%s: body %q", name, got)
			}
		}
	})
}

// The same where nobody can know beforehand: the block is over in time, but no
// token comes.
func TestReal429IsNotHiddenBehindATimeoutInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(v visit) (*http.Response, error) {
			if v.path == "/slow" {
				time.Sleep(60 * sec)
				return status(200, "ok"), nil
			}
			return tooMany("1")()
		})
		rt := newTransport(t, srv, limit(2, sec))
		time.AfterFunc(sec/2, func() { go mustGet(t, rt, "/slow") })
		go mustGet(t, rt, "/slow")
		resp, err := rt.RoundTrip(request(within(t, 5*sec), http.MethodGet, "/a", nil))
		if err != nil || resp.StatusCode != http.StatusTooManyRequests {
			t.Fatalf("got (%v, %v), want the 429", resp, err)
		}
		if got := readAll(t, resp); got != "too many" {
			t.Errorf("body %q", got)
		}
		time.Sleep(2 * time.Minute)
	})
}

// A request that is cancelled returns the caller's own error, not a refusal.
func TestCancelIsNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(nil), limit(1, 10*sec))
		mustGet(t, rt, "/a")
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(sec, cancel)
		_, err := rt.RoundTrip(request(ctx, http.MethodGet, "/a", nil))
		var e *transport.ThrottledError
		if !errors.Is(err, context.Canceled) || errors.As(err, &e) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}

// A request that may wait until t and is given its token at t is sent.
func TestWaitThatEndsAtTheBoundIsGranted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for i := range 50 { // the timers of bound and token are due together
			rt := newTransport(t, newServer(nil), limit(1, 10*sec), maxWait(10*sec))
			mustGet(t, rt, "/a")
			if _, err := get(rt, "/a"); err != nil {
				t.Fatalf("run %d: %v", i, err)
			}
		}
	})
}
