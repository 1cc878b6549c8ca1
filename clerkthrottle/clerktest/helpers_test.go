package clerktest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

const (
	devKey  = "sk_test_secret"
	liveKey = "sk_live_secret"
)

// A reply is a response that has been read.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) retryAfter() string { return r.header.Get("Retry-After") }

func (r reply) code(t *testing.T) string {
	t.Helper()
	var e struct {
		Errors []struct {
			Message     string
			LongMessage string `json:"long_message"`
			Code        string
		}
		TraceID string `json:"clerk_trace_id"`
	}
	if err := json.Unmarshal([]byte(r.body), &e); err != nil {
		t.Fatalf("body %q: %v", r.body, err)
	}
	if len(e.Errors) != 1 || e.Errors[0].Message == "" || e.Errors[0].LongMessage == "" {
		t.Fatalf("body %q is not Clerk's error shape", r.body)
	}
	if e.TraceID == "" || e.TraceID != r.header.Get("Clerk-Trace-Id") {
		t.Errorf("trace id %q in the body, %q in the header", e.TraceID, r.header.Get("Clerk-Trace-Id"))
	}
	return e.Errors[0].Code
}

// A caller sends requests; "POST /v1/users" is one. Headers come in pairs.
type caller struct {
	rt   http.RoundTripper
	base string
	key  string
}

func in(s *clerktest.Server) caller {
	return caller{rt: s.RoundTripper(), base: "https://api.clerk.com", key: devKey}
}

func (c caller) as(key string) caller { c.key = key; return c }

func (c caller) request(op, body string, headers ...string) *http.Request {
	method, path, _ := strings.Cut(op, " ")
	url := path
	if strings.HasPrefix(path, "/") {
		url = c.base + path
	}
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, url, r)
	if err != nil {
		panic(err)
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

func (c caller) try(op, body string, headers ...string) (reply, error) {
	return c.send(c.request(op, body, headers...))
}

func (c caller) send(req *http.Request) (reply, error) {
	resp, err := c.rt.RoundTrip(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b)}, err
}

func (c caller) do(t *testing.T, op, body string, headers ...string) reply {
	t.Helper()
	r, err := c.try(op, body, headers...)
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
	return r
}

// accepted sends the same request n times and counts the 200s.
func (c caller) accepted(t *testing.T, n int, op string, headers ...string) int {
	t.Helper()
	ok := 0
	for range n {
		if c.do(t, op, "", headers...).status == http.StatusOK {
			ok++
		}
	}
	return ok
}

func instanceLimit(n int, w time.Duration) clerktest.Option {
	return clerktest.WithLimits(clerkthrottle.Limit{Name: clerkthrottle.InstanceLimit, N: n, Window: w})
}
