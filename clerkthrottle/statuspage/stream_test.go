package statuspage_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

const often = 20 * time.Millisecond

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
	numbered := source(func() transport.Snapshot {
		return sample(noon.Add(time.Duration(calls.Add(1)) * time.Second))
	})
	server := httptest.NewServer(statuspage.New(numbered, statuspage.WithInterval(often)))
	t.Cleanup(server.Close)
	stream := open(t, t.Context(), server.URL+"/events", http.StatusOK)
	for i := range 3 {
		e := next(t, stream)
		var got transport.Snapshot
		if err := json.Unmarshal([]byte(e.data), &got); err != nil || e.name != "snapshot" {
			t.Fatalf("event %q: %v", e.name, err)
		}
		if want := sample(noon.Add(time.Duration(i+1) * time.Second)); !reflect.DeepEqual(got, want) {
			t.Fatalf("event %d is not the snapshot", i)
		}
	}
}

// TestStreamOfViews: the part of the page that changes, one page and event alike.
func TestStreamOfViews(t *testing.T) {
	page := samplePage(statuspage.WithInterval(often))
	server := httptest.NewServer(page)
	t.Cleanup(server.Close)
	e := next(t, open(t, t.Context(), server.URL+"/events?as=view&filter=organizations", http.StatusOK))
	want := lines(get(page, "GET", "/view?filter=organizations").Body.String())
	if e.name != "view" || e.data != want {
		t.Errorf("event %q differs from what /view sends", e.name)
	}
	if !strings.Contains(lines(get(page, "GET", "/?filter=organizations").Body.String()), want) {
		t.Error("the page does not hold what /view sends")
	}
}

// lines drops indentation and empty lines.
func lines(s string) string {
	var kept []string
	for line := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = strings.TrimSpace(line); line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

func TestStreamsAreBounded(t *testing.T) {
	server := httptest.NewServer(samplePage(statuspage.WithInterval(often), statuspage.WithMaxStreams(2)))
	t.Cleanup(server.Close)
	ctx, leave := context.WithCancel(t.Context())
	next(t, open(t, ctx, server.URL+"/events", http.StatusOK))
	next(t, open(t, t.Context(), server.URL+"/events", http.StatusOK))
	open(t, t.Context(), server.URL+"/events", http.StatusServiceUnavailable)
	leave() // and its place is free again, a moment later
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(often) {
		resp, err := http.Get(server.URL + "/events")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
		if resp.Header.Get("Retry-After") == "" {
			t.Error("the refusal does not say when to come again")
		}
		if time.Now().After(end) {
			t.Fatal("a stream that was left keeps its place")
		}
	}
}

func TestStreamEndsWithItsRequest(t *testing.T) {
	page := samplePage(statuspage.WithInterval(time.Hour))
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page.ServeHTTP(w, r)
		close(ended)
	}))
	t.Cleanup(server.Close)
	ctx, leave := context.WithCancel(t.Context())
	next(t, open(t, ctx, server.URL+"/events", http.StatusOK))
	leave()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the stream outlives its request")
	}
}

func TestStreamEndsWithItsServer(t *testing.T) {
	page := samplePage(statuspage.WithInterval(time.Hour))
	stays := httptest.NewServer(page)
	t.Cleanup(stays.Close)
	server := httptest.NewServer(page)
	t.Cleanup(server.Close)
	ended := open(t, t.Context(), server.URL+"/events", http.StatusOK)
	next(t, ended)
	next(t, open(t, t.Context(), stays.URL+"/events", http.StatusOK))

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Errorf("the stream holds the shutdown up: %v", err)
	}
	if _, err := ended.next(); err != io.EOF {
		t.Errorf("the stream ends with %v", err)
	}
	next(t, open(t, t.Context(), stays.URL+"/events", http.StatusOK)) // another server's streams go on
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

func TestStreamWhereThereCanBeNone(t *testing.T) {
	w := httptest.NewRecorder()
	samplePage().ServeHTTP(unflushed{w}, httptest.NewRequest("GET", "/events", nil))
	if w.Code != http.StatusNotImplemented {
		t.Errorf("%d", w.Code)
	}
}
