package clerkthrottle_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// recorder is a base transport that notes when it was asked to send.
type recorder struct {
	mu     sync.Mutex
	begun  time.Time
	sent   []time.Duration
	answer func(n int) *http.Response // nil: 200
}

func newRecorder() *recorder { return &recorder{begun: time.Now()} }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, time.Since(r.begun))
	if r.answer != nil {
		if resp := r.answer(len(r.sent)); resp != nil {
			return resp, nil
		}
	}
	return reply(http.StatusOK, "", "{}"), nil
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sent)
}

// by counts what was sent within the first d.
func (r *recorder) by(d time.Duration) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, at := range r.sent {
		if at <= d {
			n++
		}
	}
	return n
}

func reply(status int, retryAfter, body string) *http.Response {
	h := http.Header{}
	if retryAfter != "" {
		h.Set("Retry-After", retryAfter)
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func newThrottle(t *testing.T, opts ...clerkthrottle.Option) *transport.Transport {
	t.Helper()
	rt, err := clerkthrottle.NewTransport(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

func send(rt http.RoundTripper, method, url, key string) (*http.Response, error) {
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		return nil, err
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	return rt.RoundTrip(req)
}

// flood sends n requests at once and waits for their answers.
func flood(t *testing.T, rt http.RoundTripper, n int, method, url, key string) {
	t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := send(rt, method, url, key); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func wantBy(t *testing.T, r *recorder, d time.Duration, want int) {
	t.Helper()
	if got := r.by(d); got != want {
		t.Errorf("%d sent by %s, want %d", got, d, want)
	}
}
