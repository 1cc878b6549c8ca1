package transport_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// One test for each clause of the http.RoundTripper contract. The clauses on
// request bodies are in body_test.go, those on redirects in socket_test.go.

// original is what a test compares a request with after the round trip.
type original struct {
	req    *http.Request
	shape  http.Request
	url    string
	header http.Header
}

func remember(req *http.Request) original {
	return original{req, *req, req.URL.String(), maps.Clone(req.Header)}
}

func (o original) mustBeUntouched(t *testing.T) {
	t.Helper()
	now, was := o.req, &o.shape
	if now.URL != was.URL || now.URL.String() != o.url {
		t.Errorf("the URL was modified: %s", now.URL)
	}
	if !maps.EqualFunc(now.Header, o.header, func(a, b []string) bool { return strings.Join(a, "\n") == strings.Join(b, "\n") }) {
		t.Errorf("the header was modified: %v", now.Header)
	}
	if now.Body != was.Body || now.ContentLength != was.ContentLength || now.Method != was.Method ||
		now.Host != was.Host || now.Close != was.Close || (now.GetBody == nil) != (was.GetBody == nil) ||
		now.Context() != was.Context() || len(now.TransferEncoding) != len(was.TransferEncoding) {
		t.Errorf("the request was modified: %+v", now)
	}
}

func TestRequestIsNotModified(t *testing.T) {
	for name, body := range map[string]func() io.Reader{
		"no body":      func() io.Reader { return nil },
		"with GetBody": func() io.Reader { return strings.NewReader("body") },
		"buffered":     func() io.Reader { return watch(strings.NewReader("body")) },
		"streamed":     func() io.Reader { return watch(strings.NewReader(strings.Repeat("x", 2<<20))) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rt := newTransport(t, newServer(script(tooMany("1"), code(502))), limit(10, time.Second))
				req := request(t.Context(), http.MethodPut, "/a?b=c", body())
				req.Header.Set("Authorization", "Bearer secret")
				before := remember(req)
				resp, err := rt.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				before.mustBeUntouched(t)
			})
		})
	}
}

func TestRefusedRequestIsNotModified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(nil), limit(1, time.Second), maxWait(0))
		mustGet(t, rt, "/a")
		req := request(t.Context(), http.MethodPut, "/a", strings.NewReader("body"))
		before := remember(req)
		_, err := rt.RoundTrip(req)
		_ = wantThrottled(t, err, transport.ReasonMaxWait)
		before.mustBeUntouched(t)
	})
}

// The contract: RoundTrip must not interpret the response, so a status that is
// no success is no error.
func TestNon2xxIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []int{201, 204, 301, 400, 401, 404, 422, 500, 501} {
			srv := newServer(script(code(c)))
			resp, err := get(newTransport(t, srv, limit(10, time.Second)), "/a")
			if err != nil {
				t.Fatalf("status %d: error %v", c, err)
			}
			if resp.StatusCode != c || len(srv.log()) != 1 {
				t.Errorf("status %d after %d visits, want %d after one", resp.StatusCode, len(srv.log()), c)
			}
		}
	})
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestNeverResponseAndErrorTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bodies []*watched
		base := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			resp := status(http.StatusOK, "both")
			bodies = append(bodies, resp.Body.(*watched))
			return resp, errors.New("and an error")
		})
		resp, err := get(newTransport(t, base, limit(10, time.Second)), "/a")
		if resp != nil || err == nil {
			t.Fatalf("got (%v, %v), want an error alone", resp, err)
		}
		for i, b := range bodies {
			if b.closed() != 1 {
				t.Errorf("the body of attempt %d was closed %d times, want once", i, b.closed())
			}
		}
	})
}

func TestNeitherResponseNorErrorBecomesAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, nil })
		resp, err := get(newTransport(t, base, limit(10, time.Second)), "/a")
		if resp != nil || err == nil {
			t.Fatalf("got (%v, %v), want an error", resp, err)
		}
	})
}

func TestResponseBodyIsLeftOpenForTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, answers := range map[string][]func() (*http.Response, error){
			"at once":         {code(200)},
			"after a 429":     {tooMany("1"), code(200)},
			"after a failure": {code(503), code(200)},
			"no retry of 4xx": {code(404)},
		} {
			var sent *watched
			srv := newServer(func(v visit) (*http.Response, error) {
				resp, err := script(answers...)(v)
				sent = resp.Body.(*watched)
				return resp, err
			})
			// The caller's context ends only when the body has been read: nothing
			// that RoundTrip derived from it may end before.
			ctx, cancel := context.WithCancel(t.Context())
			resp, err := newTransport(t, srv, limit(10, time.Second)).RoundTrip(request(ctx, http.MethodGet, "/a", nil))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			last := srv.log()[len(srv.log())-1]
			if err := last.req.Context().Err(); err != nil {
				t.Errorf("%s: the context of the request ended before its body was read: %v", name, err)
			}
			if got := readAll(t, resp); got != "code" {
				t.Errorf("%s: body %q", name, got)
			}
			if sent.closed() != 1 {
				t.Errorf("%s: the body was closed %d times, want once, by the caller", name, sent.closed())
			}
			cancel()
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		srv.latency = 10 * time.Millisecond
		rt := newTransport(t, srv, limit(100, time.Second))
		var all sync.WaitGroup
		for range 300 {
			all.Go(func() {
				mustGet(t, rt, "/a")
				rt.Snapshot()
			})
		}
		all.Wait()
		if n := mostInWindow(srv.times(""), time.Second); n > 100 {
			t.Errorf("%d requests in a window of 100", n)
		}
	})
}

func TestUnclaimedRequestPassesThroughUntouched(t *testing.T) {
	var got *http.Request
	want := status(http.StatusTooManyRequests, "not ours")
	rt, err := transport.New(transport.Config{
		Base:     roundTripFunc(func(r *http.Request) (*http.Response, error) { got = r; return want, nil }),
		Classify: func(*http.Request) *transport.Claim { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	req := request(t.Context(), http.MethodPost, "/a", watch(strings.NewReader("body")))
	resp, err := rt.RoundTrip(req)
	if resp != want || err != nil || got != req {
		t.Errorf("the request or its answer was touched: %v, %v", resp, err)
	}
}
