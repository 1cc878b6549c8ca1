package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Bodies that come bit by bit, over a socket: reading them to their end before
// anything was sent hung for as long as the caller's context lived.

func TestDuplexBodyIsAnsweredBeforeItsEnd(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		url, rt := overSocket(t, func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).EnableFullDuplex()
			word := make([]byte, 4)
			for {
				if _, err := io.ReadFull(r.Body, word); err != nil {
					return
				}
				_, _ = w.Write(word)
				_ = http.NewResponseController(w).Flush()
			}
		}, func(s *httptest.Server) { s.EnableHTTP2 = http2 })
		r, w := io.Pipe()
		go func() { _, _ = io.WriteString(w, "ping") }()
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, url, r)
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		echo := make([]byte, 4)
		for _, word := range []string{"ping", "pong"} {
			if _, err := io.ReadFull(resp.Body, echo); err != nil || string(echo) != word {
				t.Errorf("HTTP/2 %t: read %q (%v), want %q", http2, echo, err, word)
			}
			if word == "ping" {
				_, _ = io.WriteString(w, "pong")
			}
		}
		_ = w.Close()
		if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
			t.Errorf("HTTP/2 %t: and then %q (%v)", http2, rest, err)
		}
		resp.Body.Close()
		cancel()
	}
}

func TestPipeIsSentAgainOnceItWasRead(t *testing.T) {
	var bodies []string
	url, rt := overSocket(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		if len(bodies) == 1 {
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	r, w := io.Pipe()
	go func() {
		for _, word := range []string{"one ", "two ", "three"} {
			_, _ = io.WriteString(w, word)
		}
		_ = w.Close()
	}()
	req, _ := http.NewRequest(http.MethodPost, url, r)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := strings.Join(bodies, "|"); got != "one two three|one two three" || resp.StatusCode != 200 {
		t.Errorf("the server saw %q, and the status is %d", got, resp.StatusCode)
	}
	if resp.Request != req {
		t.Error("resp.Request is not the caller's own request")
	}
}

func TestPipeThatIsRefusedHalfwayIsLeftAlone(t *testing.T) {
	var visits atomic.Int32
	url, rt := overSocket(t, func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		_ = http.NewResponseController(w).EnableFullDuplex() // or the body would be read first
		w.WriteHeader(http.StatusTooManyRequests)
	})
	r, w := io.Pipe()
	req, _ := http.NewRequest(http.MethodPost, url, r)
	go func() { _, _ = io.WriteString(w, "half") }()
	resp, err := rt.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusTooManyRequests || visits.Load() != 1 {
		t.Fatalf("%d visits, got %v (%v), want the 429 back", visits.Load(), resp, err)
	}
	resp.Body.Close()
	_ = w.Close()
}

// net/http waits for the body's reader even when the context has ended: a request
// would hold its tokens for as long as the pipe has nothing to say.
func TestStalledPipeEndsWithItsContext(t *testing.T) {
	url, rt := overSocket(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body) })
	r, w := io.Pipe()
	go func() { _, _ = io.WriteString(w, "half") }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, http.MethodPut, url, r)
	_, err := rt.RoundTrip(req)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	if _, err := w.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the body was left open: %v", err)
	}
}
