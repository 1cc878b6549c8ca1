package main

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"
)

const hundredMB = 100 << 20

// Bodies of 100 MB pass in both directions in little memory. What is counted is
// all that the process ever allocated meanwhile: sidecar, client and upstream
// together.
func TestHundredMegabytesInBoundedMemory(t *testing.T) {
	var received int64
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) {
		received, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodGet {
			_, _ = io.CopyN(w, endless{}, hundredMB)
		}
	})
	url := start(t, upstream)
	c := client(t)
	for name, size := range map[string]int64{"known length": hundredMB, "chunked": -1, "down": 0} {
		t.Run(name, func(t *testing.T) {
			method, body := http.MethodGet, io.Reader(nil)
			if size != 0 {
				method, body = http.MethodPost, io.LimitReader(endless{}, hundredMB)
			}
			r, err := http.NewRequestWithContext(context.Background(), method, url+"/v1/users", body)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = size
			r.Header.Set("Authorization", "Bearer sk_test_x")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			sent, err := io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			runtime.ReadMemStats(&after)
			allocated := float64(after.TotalAlloc-before.TotalAlloc) / (1 << 20)
			t.Logf("%.1f MB allocated in all", allocated)
			if err != nil || received+sent != hundredMB {
				t.Errorf("%d bytes up, %d down: %v", received, sent, err)
			}
			if allocated > 16 {
				t.Errorf("%.1f MB were allocated for a body of 100 MB", allocated)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// What Clerk sends, the client gets at once: an answer is not held back until it
// is complete.
func TestAnswersAreNotHeldBack(t *testing.T) {
	got := make(chan struct{})
	upstream := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-got:
		case <-time.After(10 * time.Second):
		}
		_, _ = io.WriteString(w, "last")
	})
	resp, err := client(t).Do(request(t, "GET", start(t, upstream)+"/v1/jwks"))
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	close(got)
	rest, err := io.ReadAll(resp.Body)
	if string(first)+string(rest) != "firstlast" || err != nil {
		t.Errorf("%s %s %v", first, rest, err)
	}
	_ = resp.Body.Close()
}

// A client that leaves takes its request out of the line.
func TestClientThatLeavesSpendsNothing(t *testing.T) {
	calls := 0
	upstream := serve(t, func(http.ResponseWriter, *http.Request) { calls++ })
	url := start(t, upstream, "-limit", "1/300ms")
	do(t, request(t, "GET", url+"/v1/users", "Authorization", "Bearer sk_test_x"))
	ctx, leave := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer leave()
	if _, err := client(t).Do(request(t, "GET", url+"/v1/users", "Authorization", "Bearer sk_test_x").WithContext(ctx)); err == nil { //nolint:bodyclose // there is none
		t.Error("the second request was answered at once")
	}
	time.Sleep(400 * time.Millisecond)
	if calls != 1 {
		t.Errorf("the upstream was called %d times", calls)
	}
}
