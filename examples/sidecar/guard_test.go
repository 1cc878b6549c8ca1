package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// raw sends bytes as they are, since http.Client would not send such requests.
func raw(t *testing.T, url, text string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprint(conn, text)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// Nothing that a client sends makes the sidecar call another host.
func TestNeverAnOpenProxy(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("another host was called") })
	host := strings.TrimPrefix(elsewhere, "http://")
	upstreamCalls := 0
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) { upstreamCalls++ })
	url := start(t, upstream, "-add-key")
	local := strings.TrimPrefix(url, "http://")
	for text, want := range map[string]int{
		"GET " + elsewhere + "/v1/users HTTP/1.1\r\nHost: " + host + "\r\n\r\n":    http.StatusBadRequest,
		"GET " + elsewhere + "/v1/users HTTP/1.1\r\nHost: " + local + "\r\n\r\n":   http.StatusBadRequest,
		"CONNECT " + host + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n":              http.StatusMethodNotAllowed,
		"GET /v1/users HTTP/1.1\r\nHost: rebound.example.com:80\r\n\r\n":           http.StatusMisdirectedRequest,
		"GET /v1/../../x HTTP/1.1\r\nHost: " + local + "\r\n\r\n":                  http.StatusBadRequest,
		"GET /__clerk/%2e%2e/x HTTP/1.1\r\nHost: " + local + "\r\n\r\n":            http.StatusBadRequest,
		"GET //" + host + "/v1/users HTTP/1.1\r\nHost: " + local + "\r\n\r\n":      http.StatusOK, // to the upstream
		"GET /v1/users HTTP/1.1\r\nHost: LOCALHOST\r\nX-Forwarded-Host: x\r\n\r\n": http.StatusOK,
		"GET /__clerk//" + host + "/ HTTP/1.1\r\nHost: " + local + "\r\n\r\n":      http.StatusOK,
	} {
		if resp := raw(t, url, text); resp.StatusCode != want {
			t.Errorf("%q: %s, want %d", text, resp.Status, want)
		}
	}
	if upstreamCalls != 3 {
		t.Errorf("the upstream was called %d times, want 3", upstreamCalls)
	}
}

// A web page that reaches the sidecar through its visitor's browser gets nothing
// of the Backend API: not by a plain form, and not by DNS rebinding.
func TestNoWebPageUsesTheKey(t *testing.T) {
	url := start(t, serve(t, func(http.ResponseWriter, *http.Request) { t.Error("Clerk was called") }), "-add-key")
	for _, r := range []*http.Request{
		request(t, "POST", url+"/v1/users", "Origin", "https://evil.example.com", "Content-Type", "text/plain"),
		request(t, "POST", url+"/v1/users", "Origin", "null"),
		request(t, "GET", url+"/v1/users", "Sec-Fetch-Site", "cross-site"),
		request(t, "GET", url+"/v1/users", "Sec-Fetch-Site", "same-origin"), // rebound
	} {
		if resp, body := do(t, r); resp.StatusCode != http.StatusForbidden || !strings.Contains(string(body), `"errors":[{`) {
			t.Errorf("%v: %s %s", r.Header, resp.Status, body)
		}
	}
	rebound := request(t, "GET", url+"/v1/users")
	rebound.Host = "rebound.example.com"
	if resp, _ := do(t, rebound); resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("a foreign Host: %s", resp.Status)
	}
}

func TestOnlyKnownHostsAreServed(t *testing.T) {
	upstream := echo(t)
	for _, c := range []struct {
		flags []string
		host  string
		want  int
	}{
		{nil, "127.0.0.1:8787", 200},
		{nil, "[::1]:8787", 200},
		{nil, "sidecar.internal", 421},
		{[]string{"-hosts", "sidecar.internal, other"}, "Sidecar.Internal:8787", 200},
		{[]string{"-listen", "0.0.0.0:0"}, "anything.example.com", 200},
		{[]string{"-listen", "0.0.0.0:0", "-hosts", "sidecar"}, "anything.example.com", 421},
	} {
		url := strings.Replace(start(t, upstream, c.flags...), "[::]", "127.0.0.1", 1)
		r := request(t, "GET", url+"/v1/users")
		r.Host = c.host
		if resp, _ := do(t, r); resp.StatusCode != c.want {
			t.Errorf("%v, Host %s: %s, want %d", c.flags, c.host, resp.Status, c.want)
		}
	}
}
