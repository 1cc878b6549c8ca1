package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// server is the far side of these tests, in memory: a base transport that
// reads and closes the request's body as net/http does, notes what arrived and
// when, takes its time, and answers as the test says. It works in a bubble.
type server struct {
	latency time.Duration
	answer  func(visit) (*http.Response, error) // nil: 200 to all

	start  time.Time
	mu     sync.Mutex
	visits []visit
}

// visit is one request that arrived.
type visit struct {
	nth          int           // counted from 0
	at           time.Duration // since the server was made
	method, path string
	body         string
	req          *http.Request
}

func newServer(answer func(visit) (*http.Response, error)) *server {
	return &server{start: time.Now(), answer: answer}
}

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	v := visit{method: req.Method, path: req.URL.Path, req: req}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		req.Body.Close()
		if err != nil {
			return nil, err
		}
		v.body = string(body)
	}
	s.mu.Lock()
	v.nth, v.at = len(s.visits), time.Since(s.start)
	s.visits = append(s.visits, v)
	s.mu.Unlock()
	if s.latency > 0 {
		select {
		case <-time.After(s.latency):
		case <-req.Context().Done():
			return nil, context.Cause(req.Context())
		}
	}
	if s.answer == nil {
		return status(http.StatusOK, "ok"), nil
	}
	return s.answer(v)
}

// log returns what arrived so far.
func (s *server) log() []visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]visit(nil), s.visits...)
}

// times returns when the visits to a path arrived; "" means any path.
func (s *server) times(path string) []time.Duration {
	var at []time.Duration
	for _, v := range s.log() {
		if path == "" || v.path == path {
			at = append(at, v.at)
		}
	}
	return at
}

// script answers the n-th visit with the n-th of the given answers, and every
// one after the last with 200.
func script(answers ...func() (*http.Response, error)) func(visit) (*http.Response, error) {
	return func(v visit) (*http.Response, error) {
		if v.nth < len(answers) {
			return answers[v.nth]()
		}
		return status(http.StatusOK, "ok"), nil
	}
}

func tooMany(retryAfter ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		resp := status(http.StatusTooManyRequests, "too many")
		resp.Header["Retry-After"] = retryAfter
		return resp, nil
	}
}

func code(c int) func() (*http.Response, error) {
	return func() (*http.Response, error) { return status(c, "code"), nil }
}

func fail(err error) func() (*http.Response, error) {
	return func() (*http.Response, error) { return nil, err }
}

func status(code int, body string) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: watch(strings.NewReader(body))}
}

// watched is a body that counts its closes.
type watched struct {
	io.Reader
	mu     sync.Mutex
	closes int
}

func watch(r io.Reader) *watched { return &watched{Reader: r} }

func (w *watched) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closes++
	return nil
}

func (w *watched) closed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closes
}

// rows is the limit table of these tests: every request draws on the shared
// limit, and one to /users/… on that user's own one first.
type rows struct {
	shared, private transport.Limit
	learn           bool
}

func (r rows) classify(req *http.Request) *transport.Claim {
	name := req.Method + " " + req.URL.Path
	c := &transport.Claim{Endpoint: name, Key: name}
	if r.private.N > 0 && strings.HasPrefix(req.URL.Path, "/users/") {
		own := r.private
		own.Key += req.URL.Path
		c.Endpoint, c.Key = req.Method+" /users/{id}", req.Method+" /users/{id}"
		c.Limits = append(c.Limits, own)
	}
	c.Limits = append(c.Limits, r.shared)
	if r.learn {
		c.Rate = r.shared
	}
	return c
}

// limit is a table of one shared limit, with which nothing is learned: what
// happens after a 429 depends on the gate and the bucket alone.
func limit(n int, window time.Duration) rows {
	return rows{shared: transport.Limit{Name: "shared", Key: "shared", N: n, Window: window}}
}

// newTransport returns a transport over base that may wait for an hour.
func newTransport(t testing.TB, base http.RoundTripper, table rows, change ...func(*transport.Config)) *transport.Transport {
	t.Helper()
	cfg := transport.Config{Base: base, Classify: table.classify, MaxWait: time.Hour}
	for _, f := range change {
		f(&cfg)
	}
	rt, err := transport.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

func maxWait(d time.Duration) func(*transport.Config) {
	return func(c *transport.Config) {
		if c.MaxWait = d; d == 0 {
			c.MaxWait = -1
		}
	}
}

func request(ctx context.Context, method, path string, body io.Reader) *http.Request {
	req, err := http.NewRequestWithContext(ctx, method, "http://server.test"+path, body)
	if err != nil {
		panic(err)
	}
	return req
}

func get(rt http.RoundTripper, path string) (*http.Response, error) {
	return rt.RoundTrip(request(context.Background(), http.MethodGet, path, nil))
}

// mustGet insists on a 200, and closes its body. Any goroutine may call it.
func mustGet(t testing.TB, rt http.RoundTripper, path string) {
	t.Helper()
	resp, err := get(rt, path)
	if err != nil {
		t.Errorf("GET %s: %v", path, err)
		return
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("GET %s: status %d, want 200", path, resp.StatusCode)
	}
}

// readAll reads and closes a response's body.
func readAll(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading the body: %v", err)
	}
	resp.Body.Close()
	return string(b)
}

// wantThrottled insists on a refusal for the given reason.
func wantThrottled(t testing.TB, err error, reason transport.Reason) *transport.ThrottledError {
	t.Helper()
	var e *transport.ThrottledError
	if !errors.As(err, &e) {
		t.Fatalf("error is %v, want a *ThrottledError", err)
	}
	if e.Reason != reason {
		t.Fatalf("refused for %q (%v), want %q", e.Reason, e, reason)
	}
	return e
}

// mostInWindow returns the largest number of moments, given in order, that lie
// in one half-open window.
func mostInWindow(at []time.Duration, window time.Duration) int {
	most, from := 0, 0
	for i, t := range at {
		for at[from] <= t-window {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// bucketOf returns the snapshot of the limit with the given key.
func bucketOf(t testing.TB, s transport.Snapshot, key string) snapshot.Limit {
	t.Helper()
	for _, l := range s.Limits {
		if l.Key == key {
			return l
		}
	}
	t.Fatalf("no limit %q in the snapshot", key)
	return snapshot.Limit{}
}
