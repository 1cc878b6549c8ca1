package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Request bodies: closed on every path, and sent again whole or not at all.

func TestRequestBodyIsClosedOnEveryPath(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(rt *transport.Transport, cancel context.CancelFunc)
		answer  func() (*http.Response, error)
	}{
		{name: "sent", answer: code(200)},
		{name: "rejected", answer: code(400)},
		{name: "failed", answer: fail(errors.New("connection reset"))},
		{name: "refused", prepare: func(rt *transport.Transport, _ context.CancelFunc) { _, _ = get(rt, "/a") }},
		{name: "cancelled before", prepare: func(_ *transport.Transport, cancel context.CancelFunc) { cancel() }},
		{name: "cancelled in line", prepare: func(rt *transport.Transport, cancel context.CancelFunc) {
			_, _ = get(rt, "/a")
			time.AfterFunc(time.Second/2, cancel)
		}},
		{name: "closed", prepare: func(rt *transport.Transport, _ context.CancelFunc) { _ = rt.Close() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for kind, size := range map[string]int{"buffered": 10, "streamed": 2 << 20, "with GetBody": 11} {
				synctest.Test(t, func(t *testing.T) {
					srv := newServer(nil)
					if tt.answer != nil {
						srv.answer = script(tt.answer)
					}
					bound := time.Duration(0)
					if strings.Contains(tt.name, "cancelled") {
						bound = time.Hour
					}
					rt := newTransport(t, srv, limit(1, time.Second), maxWait(bound))
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if tt.prepare != nil {
						tt.prepare(rt, cancel)
					}
					body := watch(strings.NewReader(strings.Repeat("x", size)))
					req := request(ctx, http.MethodPost, "/a", body)
					if kind == "with GetBody" {
						req.GetBody = func() (io.ReadCloser, error) { return watch(strings.NewReader("x")), nil }
					}
					resp, err := rt.RoundTrip(req)
					if tt.answer == nil && err == nil {
						t.Fatal("want an error")
					}
					if resp != nil {
						resp.Body.Close()
					}
					if body.closed() != 1 {
						t.Errorf("%s: the body was closed %d times, want once", kind, body.closed())
					}
				})
			}
		})
	}
}

// gofri: a body was sent again after it had been consumed, so it arrived empty.
func TestConsumedBodyIsNotSentAgain(t *testing.T) {
	big := strings.Repeat("x", 1<<20+1)
	tests := []struct {
		name   string
		body   func() io.Reader
		length int64 // ContentLength, where it is told
		want   []string
	}{
		{"none", func() io.Reader { return nil }, 0, []string{"", "", ""}},
		{"GetBody", func() io.Reader { return strings.NewReader("hello") }, 0, []string{"hello", "hello", "hello"}},
		{"buffered", func() io.Reader { return watch(strings.NewReader("hello")) }, 5, []string{"hello", "hello", "hello"}},
		{"buffered, length unknown", func() io.Reader { return watch(strings.NewReader("hello")) }, -1, []string{"hello", "hello", "hello"}},
		{"buffered, 1 MiB", func() io.Reader { return watch(strings.NewReader(big[1:])) }, -1, []string{big[1:], big[1:], big[1:]}},
		{"streamed", func() io.Reader { return watch(strings.NewReader(big)) }, int64(len(big)), []string{big}},
		{"streamed, length unknown", func() io.Reader { return watch(strings.NewReader(big)) }, -1, []string{big}},
		{"large GetBody", func() io.Reader { return strings.NewReader(big) }, 0, []string{big, big, big}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := newServer(script(tooMany("1"), tooMany("1")))
				req := request(t.Context(), http.MethodPost, "/a", tt.body())
				if tt.length != 0 {
					req.ContentLength = tt.length
				}
				resp, err := newTransport(t, srv, limit(10, time.Second)).RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				log := srv.log()
				if len(log) != len(tt.want) {
					t.Fatalf("sent %d times, want %d", len(log), len(tt.want))
				}
				for i, v := range log {
					if v.body != tt.want[i] {
						t.Errorf("attempt %d arrived with %d bytes, want %d", i, len(v.body), len(tt.want[i]))
					}
				}
				if last := http.StatusTooManyRequests; len(tt.want) == 1 && resp.StatusCode != last {
					t.Errorf("status %d, want the 429 that could not be retried", resp.StatusCode)
				}
			})
		})
	}
}

// go-retryablehttp#121: without GetBody, net/http and HTTP/2 cannot send a body
// again on a fresh connection, where the old one turned out to be dead.
func TestGetBodyReachesTheBaseOnEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, body := range map[string]io.Reader{
			"kept":  strings.NewReader("hello"),
			"added": watch(strings.NewReader("hello")), // to the copy that is in memory
		} {
			srv := newServer(script(tooMany("1")))
			resp, err := newTransport(t, srv, limit(10, time.Second)).RoundTrip(request(t.Context(), http.MethodPost, "/a", body))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			for i, v := range srv.log() {
				if v.req.GetBody == nil {
					t.Fatalf("%s: attempt %d has no GetBody", name, i)
				}
				again, err := v.req.GetBody()
				if err != nil {
					t.Fatal(err)
				}
				if b, _ := io.ReadAll(again); string(b) != "hello" {
					t.Errorf("%s: GetBody of attempt %d gives %q", name, i, b)
				}
			}
		}
	})
}

// A GetBody that fails leaves nothing to send, but the 429 is still an answer.
func TestFailingGetBodyHandsTheLastAnswerBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(script(tooMany("1"))), limit(10, time.Second))
		req := request(t.Context(), http.MethodPost, "/a", strings.NewReader("hello"))
		req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("the file is gone") }
		resp, err := rt.RoundTrip(req)
		if err != nil || resp.StatusCode != http.StatusTooManyRequests {
			t.Fatalf("got (%v, %v), want the 429", resp, err)
		}
		if got := readAll(t, resp); got != "too many" {
			t.Errorf("body %q", got)
		}
		if b := bucketOf(t, rt.Snapshot(), "shared"); b.InFlight != 0 {
			t.Errorf("%d tokens in flight for ever", b.InFlight)
		}
	})
}

func TestUnreadableBodyIsAnErrorAndNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		rt := newTransport(t, srv, limit(1, time.Second))
		gone := errors.New("the disk is gone")
		body := watch(io.MultiReader(strings.NewReader("half"), failing{gone}))
		_, err := rt.RoundTrip(request(t.Context(), http.MethodPut, "/a", body))
		if !errors.Is(err, gone) || body.closed() != 1 || time.Since(srv.start) != 0 {
			t.Errorf("error %v, body closed %d times; want the body's error and once", err, body.closed())
		}
		if b := bucketOf(t, rt.Snapshot(), "shared"); b.InFlight != 0 {
			t.Errorf("%d tokens in flight for ever", b.InFlight)
		}
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// A body that nobody has read can be sent, however it came about: here the base
// has no connection, and closes it.
func TestUnreadBodyIsSentAfterAFailedDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var arrived string
		nth := 0
		base := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			defer req.Body.Close()
			if nth++; nth < 3 {
				return nil, errDial
			}
			b, err := io.ReadAll(req.Body)
			arrived = string(b)
			return status(200, "ok"), err
		})
		body := watch(strings.NewReader("hello"))
		_, err := newTransport(t, base, limit(10, time.Second)).RoundTrip(request(t.Context(), http.MethodPost, "/a", body))
		if err != nil || arrived != "hello" || body.closed() != 1 {
			t.Errorf("%q arrived (%v), body closed %d times", arrived, err, body.closed())
		}
	})
}

// A base that answers before it has read the body has it still: nothing may be
// sent from the same source meanwhile.
func TestHalfReadBodyIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, size := range []int{0, 3} {
			srv := 0
			base := roundTripFunc(func(req *http.Request) (*http.Response, error) {
				srv++
				_, _ = io.ReadFull(req.Body, make([]byte, size))
				return tooMany("1")()
			})
			resp, err := newTransport(t, base, limit(10, time.Second)).RoundTrip(
				request(t.Context(), http.MethodPost, "/a", watch(strings.NewReader("hello"))))
			if err != nil || resp.StatusCode != 429 || srv != 1 {
				t.Errorf("%d bytes read: sent %d times, got %v (%v); want the 429 back", size, srv, resp, err)
			}
		}
	})
}
