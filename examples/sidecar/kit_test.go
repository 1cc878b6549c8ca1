package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// start runs a sidecar before an upstream, on loopback, and returns its URL. The
// flags come behind those that name the upstream.
func start(t testing.TB, upstream string, flags ...string) string {
	t.Helper()
	url, _, _ := startStoppable(t, upstream, flags...)
	return url
}

func startStoppable(t testing.TB, upstream string, flags ...string) (url string, stop func(), stopped <-chan error) {
	t.Helper()
	return startOn(t, func(*options) {}, upstream, flags...)
}

func startOn(t testing.TB, change func(*options), upstream string, flags ...string) (url string, stop func(), stopped <-chan error) {
	t.Helper()
	env := func(name string) string { return map[string]string{"CLERK_SECRET_KEY": "sk_test_of_the_sidecar"}[name] }
	o, err := parseOptions(append([]string{"-listen", "127.0.0.1:0", "-backend", upstream, "-frontend", upstream}, flags...), env, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	change(o)
	s, err := newSidecar(o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", o.Listen)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listener); s.close(); close(done) }()
	t.Cleanup(func() {
		cancel()
		for range done {
		}
	})
	return "http://" + listener.Addr().String(), cancel, done
}

// echo is an upstream that answers with what it was sent.
func echo(t testing.TB) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_ = json.NewEncoder(w).Encode(seen{r.Method, r.RequestURI, r.Host, r.Header, string(body)})
	})
}

type seen struct {
	Method, URI, Host string
	Header            http.Header
	Body              string
}

func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// client keeps a connection for each of many callers.
func client(t testing.TB) *http.Client {
	t.Helper()
	c := &http.Client{Transport: newTransport(), Timeout: time.Minute}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func request(t testing.TB, method, url string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func do(t testing.TB, r *http.Request) (*http.Response, []byte) {
	t.Helper()
	resp, err := client(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp, body
}

func doEcho(t testing.TB, r *http.Request) seen {
	t.Helper()
	resp, body := do(t, r)
	var s seen
	if err := json.Unmarshal(body, &s); err != nil {
		t.Fatalf("%s: %s: %v", resp.Status, body, err)
	}
	return s
}
