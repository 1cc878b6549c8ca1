package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

const proxyURL = "https://app.example.com/__clerk"

// start runs the proxy before an upstream and returns its URL.
func start(t *testing.T, upstream string, hops int, maxWait time.Duration) string {
	t.Helper()
	c, err := parseConfig([]string{"-proxy-url", proxyURL, "-upstream", upstream, "-trusted-hops", strconv.Itoa(hops)},
		func(string) string { return "sk_live_proxy" }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	c.MaxWait = maxWait
	proxy, err := newServer(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(proxy.Handler)
	t.Cleanup(func() { s.Close(); proxy.Close() })
	return s.URL
}

func send(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp, string(body)
}

// The requirements of Clerk's documentation: everything below the path goes to
// the Frontend API, with body and headers intact and three headers set; none of
// them is the visitor's to choose.
func TestDocumentedHeadersAreSet(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "__client=1")
		_ = json.NewEncoder(w).Encode(map[string]any{"uri": r.RequestURI, "host": r.Host, "header": r.Header})
	}))
	defer upstream.Close()
	url := start(t, upstream.URL, 1, 0)
	resp, body := send(t, "POST", url+"/__clerk/v1/client/sign_ins?_method=PATCH&x=%2F",
		"Clerk-Secret-Key", "sk_live_of_the_visitor", "Clerk-Proxy-Url", "https://evil.example.com", "Cookie", "a=1", "Origin", "https://app.example.com",
		"X-Forwarded-For", "6.6.6.6, 203.0.113.5", "X-Forwarded-Host", "evil.example.com", "X-Real-Ip", "6.6.6.6")
	var got struct {
		URI, Host string
		Header    http.Header
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if got.URI != "/v1/client/sign_ins?_method=PATCH&x=%2F" || "http://"+got.Host != upstream.URL || resp.Header.Get("Set-Cookie") == "" {
		t.Errorf("%s at %s", got.URI, got.Host)
	}
	for name, want := range map[string]string{
		"Clerk-Proxy-Url": proxyURL, "Clerk-Secret-Key": "sk_live_proxy", "X-Forwarded-For": "203.0.113.5",
		"X-Forwarded-Host": "app.example.com", "X-Forwarded-Proto": "https", "Cookie": "a=1", "Origin": "https://app.example.com",
	} {
		if v := strings.Join(got.Header[name], "|"); v != want {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
}

// A visitor who tries too often is told so by the proxy, in Clerk's words, and
// cannot escape by making addresses up; others are not held back.
func TestVisitorsAreThrottledEachByHimself(t *testing.T) {
	clerk := clerktest.New()
	upstream := clerk.Start()
	defer clerk.Close()
	url := start(t, upstream, 1, 0)
	for i := range 8 {
		// Every attempt comes with another made-up address before the proxy's word.
		resp, body := send(t, "POST", url+"/__clerk/v1/client/sign_ins", "X-Forwarded-For", "10.9.8."+string(rune('0'+i))+", 203.0.113.5")
		limited := resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") != "" && strings.Contains(body, "too_many_requests")
		if want := i >= 5; limited != want {
			t.Errorf("attempt %d: %s %s", i+1, resp.Status, body)
		}
	}
	if resp, _ := send(t, "POST", url+"/__clerk/v1/client/sign_ins", "X-Forwarded-For", "203.0.113.6"); resp.StatusCode != http.StatusOK {
		t.Errorf("another visitor: %s", resp.Status)
	}
	if resp, _ := send(t, "GET", url+"/__clerk/v1/environment", "X-Forwarded-For", "203.0.113.5"); resp.StatusCode != http.StatusOK {
		t.Errorf("the same visitor, reading: %s", resp.Status)
	}
	if s := clerk.Stats(); s.Rejected != 0 {
		t.Errorf("Clerk answered %d requests with 429", s.Rejected)
	}
}

// With no proxy before it, what visitors say about their address counts nothing.
func TestWithoutAProxyNoForwardedAddressCounts(t *testing.T) {
	clerk := clerktest.New()
	upstream := clerk.Start()
	defer clerk.Close()
	url := start(t, upstream, 0, 0)
	refused := 0
	for i := range 8 {
		resp, _ := send(t, "POST", url+"/__clerk/v1/client/sign_ups", "X-Forwarded-For", "203.0.113."+string(rune('0'+i)))
		if resp.StatusCode == http.StatusTooManyRequests {
			refused++
		}
	}
	if s := clerk.Stats(); refused != 3 || s.Rejected != 0 {
		t.Errorf("%d refused, Clerk refused %d", refused, s.Rejected)
	}
}

// Nothing but what is below the path goes to Clerk, and no TRACE, whose answer
// would have the secret key in it.
func TestNothingElseIsServed(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the upstream was called") }))
	defer upstream.Close()
	url := start(t, upstream.URL, 1, 0)
	for request, want := range map[string]int{
		"GET /": 404, "GET /v1/client": 404, "GET /__clerk": 404, "GET /__clerkx/v1/client": 404, "GET /__clerk/%2e%2e/x": 400, "GET /__clerk/v1/..": 400,
		"TRACE /__clerk/v1/client": 405, "TRACK /__clerk/v1/client": 405, "PROPFIND /__clerk/v1/client": 405,
	} {
		method, path, _ := strings.Cut(request, " ")
		if resp, body := send(t, method, url+path); resp.StatusCode != want || strings.Contains(body, "sk_live") {
			t.Errorf("%s: %s, want %d", request, resp.Status, want)
		}
	}
}

// What is under way when it is told to stop is answered.
func TestARequestUnderWayIsAnsweredAtTheEnd(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = io.WriteString(w, "late")
	}))
	defer upstream.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	c, err := parseConfig([]string{"-proxy-url", proxyURL, "-upstream", upstream.URL, "-listen", address}, func(string) string { return "sk_live_x" }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped, answered := make(chan error, 1), make(chan string, 1)
	go func() { stopped <- run(ctx, c, slog.New(slog.DiscardHandler)) }()
	for range 1000 {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	go func() {
		_, body := send(t, "GET", "http://"+address+"/__clerk/v1/client")
		answered <- body
	}()
	<-arrived
	stop()
	select {
	case err := <-stopped:
		t.Fatalf("it ended before the answer: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if got := <-answered; got != "late" {
		t.Errorf("answered %q", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestWrongFlagsAreNamed(t *testing.T) {
	for want, args := range map[string][]string{
		"-proxy-url is not set": {},
		"want a URL such as":    {"-proxy-url", "example.com/__clerk"},
		"a path of its own":     {"-proxy-url", "https://example.com/"},
		"want https":            {"-proxy-url", proxyURL, "-upstream", "http://frontend-api.clerk.dev"},
		"unexpected argument":   {"-proxy-url", proxyURL, "x"},
		"-listen 8788":          {"-proxy-url", proxyURL, "-listen", "8788"},
		"-max-queue 0":          {"-proxy-url", proxyURL, "-max-queue", "0"},
		"must not be negative":  {"-proxy-url", proxyURL, "-trusted-hops", "-1"},
	} {
		usage := (*flags.UsageError)(nil)
		if _, err := parseConfig(args, func(string) string { return "sk_live_x" }, io.Discard); !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	if _, err := parseConfig([]string{"-proxy-url", proxyURL}, func(string) string { return "" }, io.Discard); err == nil || !strings.Contains(err.Error(), "CLERK_SECRET_KEY") {
		t.Errorf("no key: %v", err)
	}
	if c, err := parseConfig([]string{"-proxy-url", proxyURL}, func(string) string { return "sk_live_x" }, io.Discard); err != nil || c.public.Path != "/__clerk" || c.Listen != "127.0.0.1:8788" {
		t.Errorf("%+v %v", c, err)
	}
}
