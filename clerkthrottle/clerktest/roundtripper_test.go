package clerktest_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

func TestResponseIsWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := in(clerktest.New())
		req := c.request("POST /v1/users", newUser)
		body := &countedBody{Reader: strings.NewReader(newUser)}
		req.Body = body
		before := req.Clone(req.Context())
		resp, err := c.rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil || int64(len(b)) != resp.ContentLength {
			t.Errorf("body of %d bytes, ContentLength %d: %v", len(b), resp.ContentLength, err)
		}
		if resp.Request != req || resp.Status != "200 OK" || resp.Header.Get("Date") != "Sat, 01 Jan 2000 00:00:00 GMT" {
			t.Errorf("%+v", resp)
		}
		if body.closes != 1 {
			t.Errorf("request body closed %d times", body.closes)
		}
		if len(req.Header) != len(before.Header) || req.URL.String() != before.URL.String() {
			t.Error("the request was changed")
		}
	})
}

// A body that was read before causes an error, as with http.Transport.
func TestConsumedBodyIsAnError(t *testing.T) {
	c := in(clerktest.New())
	req := c.request("POST /v1/users", newUser)
	_, _ = io.ReadAll(req.Body)
	if _, err := c.send(req); err == nil || !strings.Contains(err.Error(), "ContentLength=") {
		t.Errorf("error %v", err)
	}
	if _, err := c.rt.RoundTrip(&http.Request{}); err == nil {
		t.Error("no error for a request without a URL")
	}
}

func TestLimitHoldsUnderConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New(clerktest.WithLatency(clerktest.Uniform(0, 2*s)), clerktest.WithLogSize(10))
		c := in(server)
		var wg sync.WaitGroup
		for range 256 {
			wg.Go(func() {
				for range 10 {
					if _, err := c.try("GET /v1/users", ""); err != nil {
						t.Error(err)
					}
					server.Stats()
				}
			})
		}
		wg.Wait()
		st := server.Stats()
		if st.Accepted+st.Rejected != 2560 || st.Rejected == 0 || st.Violations == 0 || st.Violations > st.Blocked {
			t.Errorf("%+v", st)
		}
		if got := server.MaxInWindow(clerkthrottle.InstanceLimit); got > 100 {
			t.Errorf("%d in a window", got)
		}
		log := server.Requests()
		if len(log) != 10 {
			t.Errorf("%d requests in a log of 10", len(log))
		}
		for i := 1; i < len(log); i++ {
			if log[i].Time.Before(log[i-1].Time) {
				t.Error("the log is not in order")
			}
		}
	})
}

func BenchmarkRoundTripper(b *testing.B) {
	c := in(clerktest.New(clerktest.WithLimits(clerkthrottle.Limits(clerkthrottle.Production)...)))
	req := c.request("GET /v1/jwks", "")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = c.rt.RoundTrip(req)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		clerktest.New()
	}
}
