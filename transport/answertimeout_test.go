package transport_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Requests that are never answered held their tokens for ever.

func answerTimeout(d time.Duration) func(*transport.Config) {
	return func(c *transport.Config) { c.AnswerTimeout = d }
}

// hung is a base whose requests get no answer, but for their context's end.
func hung(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestHungRequestEndsAndItsTokenComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, roundTripFunc(hung), limit(1, 10*sec))
		start := time.Now()
		_, err := rt.RoundTrip(request(t.Context(), http.MethodPost, "/a", nil))
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a timeout", err)
		}
		if took := time.Since(start); took != transport.DefaultAnswerTimeout {
			t.Errorf("it took %s", took)
		}
		if b := bucketOf(t, rt.Snapshot(), "shared"); b.InFlight != 0 || b.Returning != 1 {
			t.Errorf("%+v, want the token on its way back", b)
		}
	})
}

func TestHungRequestIsTriedAgainWhereThatIsSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		rt := newTransport(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
			if n++; n == 1 {
				return hung(req)
			}
			return status(200, "ok"), nil
		}), limit(10, sec), answerTimeout(5*sec))
		mustGet(t, rt, "/a")
	})
}

func TestNoAnswerTimeoutWaitsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Hour)
		defer cancel()
		rt := newTransport(t, roundTripFunc(hung), limit(1, 10*sec), answerTimeout(-1))
		start := time.Now()
		_, err := rt.RoundTrip(request(ctx, http.MethodGet, "/a", nil))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 100*time.Hour {
			t.Errorf("got %v after %s, want the caller's own deadline", err, time.Since(start))
		}
	})
}

// The bound ends with the header: a body may take for ever.
func TestAnswerTimeoutLeavesAStreamingBodyAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, after := range []func() (*http.Response, error){nil, tooMany("1"), code(503)} {
			r, w := io.Pipe()
			var sent context.Context
			n := 0
			rt := newTransport(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
				if n++; n == 1 && after != nil {
					return after()
				}
				sent = req.Context()
				resp := status(200, "")
				resp.Body = r
				return resp, nil
			}), limit(10, sec), answerTimeout(sec))
			resp, err := get(rt, "/a")
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				for range 10 {
					time.Sleep(time.Hour)
					_, _ = w.Write([]byte("x"))
				}
				_ = w.Close()
			}()
			if got := readAll(t, resp); got != strings.Repeat("x", 10) || sent.Err() != nil {
				t.Errorf("read %q, and the context ended: %v", got, sent.Err())
			}
		}
	})
}

// A parent that lives for long must not keep the context of every request.
func TestContextOfARequestEndsWithItsBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, end := range map[string]func(*http.Response){
			"read":    func(r *http.Response) { _, _ = io.ReadAll(r.Body) },
			"closed":  func(r *http.Response) { r.Body.Close() },
			"neither": func(*http.Response) {},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			var ended <-chan struct{}
			base := roundTripFunc(func(req *http.Request) (*http.Response, error) {
				ended = req.Context().Done()
				return status(200, ""), nil
			})
			resp, err := newTransport(t, base, limit(10, sec)).RoundTrip(request(ctx, http.MethodGet, "/a", nil))
			if err != nil {
				t.Fatal(err)
			}
			end(resp)
			cancel()
			synctest.Wait()
			select {
			case <-ended:
				if name != "neither" {
					t.Errorf("%s: its context is still held", name)
				}
			default:
				if name == "neither" {
					t.Error("the end of the caller's context does not reach the answer's body")
				}
			}
		}
	})
}

// An upgraded connection is written to, and has no end that could be seen.
func TestUpgradedConnectionIsLeftAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer func() { _ = there.Close() }()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		rt := newTransport(t, roundTripFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusSwitchingProtocols, Header: http.Header{}, Body: here}, nil
		}), limit(10, sec))
		resp, err := rt.RoundTrip(request(ctx, http.MethodGet, "/a", nil))
		if err != nil || resp.Body != io.ReadCloser(here) {
			t.Errorf("got %T (%v), want the connection itself", resp.Body, err)
		}
		resp.Body.Close()
	})
}

// One request in a hundred hangs, for an hour: the figures behind the default.
func TestHungRequestsTakeAFewTokensOnly(t *testing.T) {
	for _, tt := range []struct {
		timeout time.Duration
		most    int // tokens of hung requests: the rate of 0.05 a second times the timeout, twice
	}{{transport.DefaultAnswerTimeout, 12}, {30 * sec, 4}, {-1, 100}} {
		synctest.Test(t, func(t *testing.T) {
			var nth, refused atomic.Int64
			rt := newTransport(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
				if nth.Add(1)%100 == 0 {
					return hung(req)
				}
				return status(200, "ok"), nil
			}), limit(100, 10*sec), answerTimeout(tt.timeout), maxWait(0))
			ctx, cancel := context.WithCancel(t.Context())
			most := 0
			const calls = 5 * 3600
			for i := range calls {
				go func() {
					_, err := rt.RoundTrip(request(ctx, http.MethodPost, "/a", nil))
					if e := (*transport.ThrottledError)(nil); errors.As(err, &e) {
						refused.Add(1)
					}
				}()
				time.Sleep(sec / 5)
				if i%50 == 0 {
					most = max(most, bucketOf(t, rt.Snapshot(), "shared").InFlight)
				}
			}
			cancel()
			synctest.Wait()
			t.Logf("1 %% of 5 requests a second hang, for an hour, limit 100 per 10 s, answer timeout %s: at most %d tokens held, %d of %d calls refused", tt.timeout, most, refused.Load(), calls)
			if most > tt.most || tt.timeout >= 0 && refused.Load() > 0 {
				t.Errorf("timeout %s: %d tokens held and %d refused", tt.timeout, most, refused.Load())
			}
		})
	}
}

// A base may use the context of a request that has been answered: to close a span with
// its body, or to write to a cache.
func TestContextOutlivesTheAnswer(t *testing.T) {
	for name, body := range map[string]io.ReadCloser{"body": io.NopCloser(strings.NewReader("ok")), "no body": http.NoBody} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var sent context.Context
			base := roundTripFunc(func(req *http.Request) (*http.Response, error) {
				sent = req.Context()
				sent.Done()
				resp := status(http.StatusOK, "")
				resp.Body = body
				return resp, nil
			})
			resp, err := newTransport(t, base, limit(10, sec)).RoundTrip(request(ctx, http.MethodGet, "/a", nil))
			if err != nil {
				t.Fatal(err)
			}
			_ = readAll(t, resp)
			if sent.Err() != nil {
				t.Errorf("%s: its context has ended: %v", name, sent.Err())
			}
		})
	}
}
