package transport_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// again is a base that sends a request so many times before it is answered, as
// net/http does where connections end.
func again(times int) roundTripFunc {
	return func(req *http.Request) (*http.Response, error) {
		trace := httptrace.ContextClientTrace(req.Context())
		for range times {
			trace.GotConn(httptrace.GotConnInfo{})
			if err := req.Context().Err(); err != nil {
				return nil, err
			}
			trace.WroteHeaders()
		}
		trace.GotFirstResponseByte()
		return status(200, "ok"), nil
	}
}

func TestBasesOwnRepeatWaitsForATokenOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		rt := newTransport(t, again(5), limit(2, 10*sec), d.observe)
		start := time.Now()
		mustGet(t, rt, "/a")
		if took := time.Since(start); took != 20*sec {
			t.Errorf("five requests of two in 10 s took %s, want 20 s", took)
		}
		b := bucketOf(t, rt.Snapshot(), "shared")
		if b.InFlight != 0 || b.Returning != 1 {
			t.Errorf("%+v, want the last token alone on its way back", b)
		}
		if n := d.count("waited"); n != 2 {
			t.Errorf("told of %d waits, want two", n)
		}
	})
}

func TestBasesOwnRepeatIsRefusedLikeAnyOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, again(2), limit(1, time.Minute), maxWait(10*sec))
		start := time.Now()
		_, err := get(rt, "/a")
		var refused *transport.ThrottledError
		if !errors.As(err, &refused) || refused.Reason != transport.ReasonMaxWait || time.Since(start) != 0 {
			t.Errorf("got %v after %s, want a refusal at once", err, time.Since(start))
		}
		if b := bucketOf(t, rt.Snapshot(), "shared"); b.InFlight != 0 || b.Returning != 1 {
			t.Errorf("%+v, want one token on its way back", b)
		}
	})
}

// What is left of the request's bound, not all of it again.
func TestBasesOwnRepeatsShareTheRequestsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := get(newTransport(t, again(4), limit(1, 10*sec), maxWait(25*sec)), "/a")
		var refused *transport.ThrottledError
		if !errors.As(err, &refused) || refused.Bound != 5*sec {
			t.Errorf("got %v, want the third wait refused, with 5 s left", err)
		}
	})
}

func TestWaitOfABasesOwnRepeatEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		channel := make(chan struct{})
		for name, end := range map[string]func(){"context": cancel, "Cancel": func() { close(channel) }} {
			rt := newTransport(t, again(2), limit(1, time.Minute))
			req := request(ctx, http.MethodGet, "/a", nil)
			if name == "Cancel" {
				req = request(t.Context(), http.MethodGet, "/a", nil)
				req.Cancel = channel //nolint:staticcheck // still honoured
			}
			time.AfterFunc(sec, end)
			start := time.Now()
			if _, err := rt.RoundTrip(req); err == nil || time.Since(start) != sec {
				t.Errorf("%s: got %v after %s", name, err, time.Since(start))
			}
			if b := bucketOf(t, rt.Snapshot(), "shared"); b.InFlight != 0 || b.Waiting != 0 {
				t.Errorf("%s: %+v, want nothing held", name, b)
			}
		}
	})
}

// The wait for a token is no wait for the server.
func TestAnswerTimeoutBeginsAnewWithABasesOwnRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mustGet(t, newTransport(t, again(2), limit(1, 10*sec), answerTimeout(5*sec)), "/a")
		rt := newTransport(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
			trace := httptrace.ContextClientTrace(req.Context())
			trace.GotConn(httptrace.GotConnInfo{})
			trace.WroteHeaders()
			trace.GotConn(httptrace.GotConnInfo{})
			trace.WroteHeaders()
			return hung(req)
		}), limit(1, 10*sec), answerTimeout(5*sec))
		start := time.Now()
		_, err := rt.RoundTrip(request(t.Context(), http.MethodPost, "/a", nil))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 15*sec {
			t.Errorf("got %v after %s, want a timeout 5 s after the repeat", err, time.Since(start))
		}
	})
}

func TestTraceOfTheCallersOwnIsCalledToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		connections := 0
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			GotConn: func(httptrace.GotConnInfo) { connections++ },
		})
		rt := newTransport(t, again(3), limit(10, sec))
		if _, err := rt.RoundTrip(request(ctx, http.MethodGet, "/a", nil)); err != nil || connections != 3 {
			t.Errorf("error %v; the caller's trace saw %d connections of 3", err, connections)
		}
	})
}

// A base that still asks for connections after it has answered, as one that hedges
// does, holds no token by it.
func TestConnectionAfterTheAnswerCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var trace *httptrace.ClientTrace
		rt := newTransport(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
			trace = httptrace.ContextClientTrace(req.Context())
			trace.WroteHeaders()
			return status(200, "ok"), nil
		}), limit(10, sec))
		mustGet(t, rt, "/a")
		trace.GotConn(httptrace.GotConnInfo{})
		if b := bucketOf(t, rt.Snapshot(), "shared"); b.InFlight != 0 || b.Returning != 1 {
			t.Errorf("%+v, want one token on its way back", b)
		}
	})
}
