package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// need returns the path of a program, without which a test is left out.
func need(t *testing.T, name string) string {
	t.Helper()
	bin, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("left out: %s is not installed", name)
	}
	return bin
}

// startHTTP2 runs a sidecar whose upstream speaks HTTP/2 and nothing else, as a
// stand-in behind an edge like Clerk's.
func startHTTP2(t *testing.T, upstream http.Handler, flags ...string) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("the upstream was spoken to in %s", r.Proto)
		}
		upstream.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	url, _, _ = startOn(t, func(o *options) {
		o.base.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	}, server.URL, flags...)
	return url
}

// run runs a client's program and returns what it printed, which is JSON.
func runClient(t *testing.T, env []string, bin string, args ...string) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s%s", err, out.String(), problems.String())
	}
	var result map[string]any
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return result
}

// quick is a limit that makes clients wait, but not the test.
func quick(n int) []string { return []string{"-limit", fmt.Sprintf("%d/300ms", n), "-reserve", "0"} }

func quickClerk(n int) *clerktest.Server {
	return clerktest.New(clerktest.WithLimits(clerkthrottle.Limit{Name: "instance", N: n, Window: 300 * time.Millisecond}))
}

// Programs of other languages that share a sidecar share one budget: none sees a
// 429, nor anything else that its library does not understand.
func TestClientsOfOtherLanguages(t *testing.T) {
	for _, c := range []struct {
		name, bin string
		args      []string
		created   float64
	}{
		{"Node's fetch", "node", []string{"testdata/fetch.mjs"}, 50},
		{"Java's HttpClient", "java", []string{"testdata/Client.java"}, 12},
		{"Python's urllib", "python3", []string{"testdata/client.py"}, 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			bin := need(t, c.bin)
			clerk := quickClerk(20)
			url := startHTTP2(t, clerk, quick(20)...)
			got := runClient(t, []string{"CLERK_API_URL=" + url}, bin, c.args...)
			if got["created"] != c.created || got["failed"] != nil && got["failed"] != 0.0 {
				t.Errorf("%v", got)
			}
			if s := clerk.Stats(); s.Rejected != 0 || s.Accepted != int(c.created)+1 {
				t.Errorf("Clerk accepted %d requests and answered %d with 429", s.Accepted, s.Rejected)
			}
		})
	}
}

// Clerk's own library for Node takes a refusal of the sidecar for Clerk's. It is
// installed by npm, unless CLERK_NODE_MODULES names the folder that it is in.
func TestNodeSDKTakesARefusalForClerks(t *testing.T) {
	bin := need(t, "node")
	modules := os.Getenv("CLERK_NODE_MODULES")
	if modules == "" {
		dir := t.TempDir()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if out, err := exec.CommandContext(ctx, need(t, "npm"), "install", "--silent", "--prefix", dir, "@clerk/backend").CombinedOutput(); err != nil {
			t.Skipf("left out: npm cannot install @clerk/backend: %v: %s", err, out)
		}
		modules = filepath.Join(dir, "node_modules")
	}
	env := func(url string) []string { return []string{"CLERK_API_URL=" + url, "CLERK_NODE_MODULES=" + modules} }
	clerk := quickClerk(10)
	got := runClient(t, env(startHTTP2(t, clerk, quick(10)...)), bin, "testdata/sdk.mjs")
	if got["created"] != 30.0 || got["failed"] != 0.0 || clerk.Stats().Rejected != 0 {
		t.Errorf("%v, %d requests answered 429", got, clerk.Stats().Rejected)
	}
	clerk = quickClerk(10)
	got = runClient(t, env(startHTTP2(t, clerk, append(quick(10), "-max-wait", "0")...)), bin, "testdata/sdk.mjs")
	if got["failed"] == 0.0 || got["status"] != 429.0 || got["code"] != "too_many_requests" || got["retryAfter"] != 1.0 || clerk.Stats().Rejected != 0 {
		t.Errorf("%v, %d requests answered 429", got, clerk.Stats().Rejected)
	}
}

// curl in all the ways that it speaks HTTP to a server without TLS.
func TestCurlIsAnswered(t *testing.T) {
	bin := need(t, "curl")
	var expected atomic.Int64
	url := startHTTP2(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") != "" || r.Header.Get("Upgrade") != "" || r.Header.Get("Http2-Settings") != "" {
			expected.Add(1)
		}
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, `{"read":%d,"error":%t}`, n, err != nil)
	}))
	for name, c := range map[string]struct {
		args []string
		read float64
	}{
		"HTTP/1.0":                   {[]string{"--http1.0"}, 0},
		"HTTP/1.0, with a body":      {[]string{"--http1.0", "--data", "x=1"}, 3},
		"HTTP/1.1":                   {[]string{"--http1.1"}, 0},
		"upgrade to h2c":             {[]string{"--http2"}, 0},
		"upgrade to h2c with a body": {[]string{"--http2", "--data", "x=1"}, 3},
		"Expect: 100-continue":       {[]string{"-H", "Expect: 100-continue", "--expect100-timeout", "100", "--data", strings.Repeat("x", 2000)}, 2000},
		"Expect and upgrade":         {[]string{"--http2", "-H", "Expect: 100-continue", "--expect100-timeout", "100", "--data", strings.Repeat("x", 100_000)}, 100_000},
		"chunked":                    {[]string{"-H", "Transfer-Encoding: chunked", "--data", "x=1"}, 3},
		"PATCH, empty":               {[]string{"-X", "PATCH"}, 0},
	} {
		args := append([]string{"--silent", "--show-error", "--fail", "--max-time", "60", "-H", "Authorization: Bearer sk_test_curl", url + "/v1/users"}, c.args...)
		if got := runClient(t, nil, bin, args...); got["read"] != c.read || got["error"] != false {
			t.Errorf("%s: %v", name, got)
		}
	}
	if n := expected.Load(); n != 0 {
		t.Errorf("%d requests reached Clerk with what concerns the connection to the sidecar", n)
	}
}

// The upgrade of Java's HttpClient and of curl --http2, byte by byte, for where
// neither is installed.
func TestUpgradeToHTTP2IsIgnored(t *testing.T) {
	url := startHTTP2(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	resp := raw(t, url, "POST /v1/users HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"+
		"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nAuthorization: Bearer sk_test_x\r\nContent-Length: 5\r\n\r\nhello")
	if body, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(body) != "hello" || err != nil {
		t.Errorf("%s %s %v", resp.Status, body, err)
	}
}

// Uploads that stall hold no token and no place: whoever comes after them is
// answered as if they were not there. In the end they are told that they were too
// slow.
func TestStalledUploadsDoNotDelayOthers(t *testing.T) {
	var calls atomic.Int64
	upstream := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	url := start(t, upstream, "-limit", "5/1h", "-max-queue", "20", "-max-wait", "0", "-reserve", "0", "-body-timeout", "2s")
	stalled := make([]net.Conn, 30)
	for i := range stalled {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		stalled[i] = conn
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprintf(conn, "POST /v1/users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk_test_x\r\nContent-Length: 2000000\r\n\r\n%s", strings.Repeat("x", 1000*i))
	}
	for i := range 5 { // all that the limit has
		if resp, body := do(t, request(t, "GET", url+"/v1/users", "Authorization", "Bearer sk_test_x")); resp.StatusCode != http.StatusOK {
			t.Errorf("request %d: %s %s", i+1, resp.Status, body)
		}
	}
	if n := calls.Load(); n != 5 {
		t.Errorf("Clerk was called %d times", n)
	}
	for _, conn := range stalled {
		answer, _ := io.ReadAll(conn)
		if status, _, _ := strings.Cut(string(answer), "\r\n"); !strings.Contains(status, "408") {
			t.Errorf("a stalled upload was answered %q", status)
		}
	}
}
