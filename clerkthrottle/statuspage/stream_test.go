package statuspage_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

const often = 20 * time.Millisecond

// serve serves a page, and returns the address of its stream.
func serve(t *testing.T, page http.Handler) string {
	server := httptest.NewServer(page)
	t.Cleanup(server.Close)
	return server.URL + "/events"
}

// open opens a stream and fails the test unless the status is as wanted.
func open(t *testing.T, ctx context.Context, url string, status int) *events {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != status {
		t.Fatalf("%s: %s, want %d", url, resp.Status, status)
	}
	if kind := resp.Header.Get("Content-Type"); status == http.StatusOK && kind != "text/event-stream" {
		t.Fatalf("%s: Content-Type is %q", url, kind)
	}
	return read(resp.Body)
}

// next reads the next event.
func next(t *testing.T, r *events) event {
	t.Helper()
	e, err := r.next()
	if err != nil || len(r.strays) > 0 {
		t.Fatalf("%v; lines of no event: %q", err, r.strays)
	}
	return e
}

func TestStreamCarriesSnapshots(t *testing.T) {
	var calls atomic.Int64
	numbered := source(func() transport.Snapshot { return sample(noon.Add(time.Duration(calls.Add(1)) * time.Second)) })
	stream := open(t, t.Context(), serve(t, statuspage.New(numbered, statuspage.WithInterval(often))), http.StatusOK)
	for i := range 3 {
		var got transport.Snapshot
		if err := json.Unmarshal([]byte(next(t, stream).data), &got); err != nil || !got.Time.Equal(noon.Add(time.Duration(i+1)*time.Second)) {
			t.Fatalf("event %d is of %s, %v", i, got.Time, err)
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	url := serve(t, samplePage(statuspage.WithInterval(often), statuspage.WithMaxStreams(2)))
	ctx, leave := context.WithCancel(t.Context())
	next(t, open(t, ctx, url, http.StatusOK))
	next(t, open(t, t.Context(), url, http.StatusOK))
	open(t, t.Context(), url, http.StatusServiceUnavailable)
	leave() // and its place is free again, a moment later
	for {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
		if resp.Header.Get("Retry-After") == "" {
			t.Fatal("the refusal does not say when to come again")
		}
	}
}

func TestStreamEndsWithItsRequest(t *testing.T) {
	page := samplePage(statuspage.WithInterval(time.Hour))
	ended := make(chan struct{})
	ctx, leave := context.WithCancel(t.Context())
	next(t, open(t, ctx, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page.ServeHTTP(w, r)
		close(ended)
	})), http.StatusOK))
	leave()
	<-ended
}

func TestStreamEndsWithItsServer(t *testing.T) {
	page := samplePage(statuspage.WithInterval(time.Hour))
	stays := serve(t, page)
	server := httptest.NewServer(page)
	t.Cleanup(server.Close)
	ended := open(t, t.Context(), server.URL+"/events", http.StatusOK)
	next(t, ended)
	next(t, open(t, t.Context(), stays, http.StatusOK))

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Errorf("the stream holds the shutdown up: %v", err)
	}
	if _, err := ended.next(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ends with %v", err)
	}
	next(t, open(t, t.Context(), stays, http.StatusOK)) // another server's streams go on
}

// TestStreamOutlivesTheServersTimeouts, which are for answers that end.
func TestStreamOutlivesTheServersTimeouts(t *testing.T) {
	server := httptest.NewUnstartedServer(samplePage(statuspage.WithInterval(often)))
	server.Config.ReadTimeout, server.Config.WriteTimeout = 10*often, 10*often
	server.Start()
	t.Cleanup(server.Close)
	stream := open(t, t.Context(), server.URL+"/events", http.StatusOK)
	for start := time.Now(); time.Since(start) < 30*often; {
		next(t, stream)
	}
}

// unflushed is a ResponseWriter that cannot stream, as some middleware makes it.
type unflushed struct{ http.ResponseWriter }

func TestStreamIsRefusedWhereThereCanBeNone(t *testing.T) {
	w := httptest.NewRecorder()
	samplePage().ServeHTTP(unflushed{w}, httptest.NewRequest("GET", "/events", nil))
	if w.Code != http.StatusNotImplemented {
		t.Errorf("%d", w.Code)
	}
}
