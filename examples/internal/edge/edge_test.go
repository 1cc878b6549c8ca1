package edge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/edge"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Whatever a visitor writes into X-Forwarded-For, his address is the one that
// the outermost trusted proxy saw.
func TestTheClientIsWhomTheOutermostTrustedProxySaw(t *testing.T) {
	for _, c := range []struct {
		forwarded []string
		hops      int
		want      string
	}{
		{nil, 0, "192.0.2.9"},
		{[]string{"1.1.1.1"}, 0, "192.0.2.9"},                  // a spoof: no proxy is trusted
		{nil, 1, "192.0.2.9"},                                  // the proxy said nothing
		{[]string{"203.0.113.5"}, 1, "203.0.113.5"},            // what the proxy saw
		{[]string{"1.1.1.1, 203.0.113.5"}, 1, "203.0.113.5"},   // a spoof before it
		{[]string{"1.1.1.1", "203.0.113.5"}, 1, "203.0.113.5"}, // the same in two headers
		{[]string{"1.1.1.1,203.0.113.5,10.0.0.7"}, 2, "203.0.113.5"},
		{[]string{"203.0.113.5"}, 2, "203.0.113.5"}, // the inner proxy added nothing
		{[]string{"203.0.113.5:4711"}, 1, "203.0.113.5"},
		{[]string{"[2001:db8::1]:4711"}, 1, "2001:db8::1"},
		{[]string{"2001:DB8::1"}, 1, "2001:db8::1"},
		{[]string{"::ffff:203.0.113.5"}, 1, "203.0.113.5"},
		{[]string{"unknown"}, 1, "192.0.2.9"}, // no address: the connection's
		{[]string{"203.0.113.5, "}, 1, "192.0.2.9"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "192.0.2.9:1234"
		if c.forwarded != nil {
			r.Header["X-Forwarded-For"] = c.forwarded
		}
		if got := edge.ClientAddress(r, c.hops); got != c.want {
			t.Errorf("%q, %d hops: %s, want %s", c.forwarded, c.hops, got, c.want)
		}
	}
}

// What the throttle refuses looks like Clerk's own refusal.
func TestRefusalsLookLikeClerks(t *testing.T) {
	gone, leave := context.WithCancel(context.Background())
	leave()
	for _, c := range []struct {
		err        error
		ctx        context.Context
		status     int
		retryAfter string
		code       string
	}{
		{&transport.ThrottledError{Reason: transport.ReasonMaxWait, Wait: 7200 * time.Millisecond}, nil, 429, "8", "too_many_requests"},
		{fmt.Errorf("wrapped: %w", &transport.ThrottledError{Reason: transport.ReasonDeadline}), nil, 429, "1", "too_many_requests"},
		{&transport.ThrottledError{Reason: transport.ReasonClosed}, nil, 503, "1", "service_unavailable"},
		{errors.New("connection refused"), nil, 502, "", "bad_gateway"},
		{context.Canceled, gone, 499, "", ""},
	} {
		r := httptest.NewRequest("GET", "/v1/users", nil)
		if c.ctx != nil {
			r = r.WithContext(c.ctx)
		}
		w := httptest.NewRecorder()
		edge.ErrorHandler(slog.New(slog.DiscardHandler))(w, r, c.err)
		body, _ := io.ReadAll(w.Body)
		if w.Code != c.status || w.Header().Get("Retry-After") != c.retryAfter || !strings.Contains(string(body), `"code":"`+c.code) && c.code != "" {
			t.Errorf("%v: %d, Retry-After %q, %s", c.err, w.Code, w.Header().Get("Retry-After"), body)
		}
	}
}
