package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

// Clerk sees a Backend request as the client made it, and nothing of who is
// behind the sidecar.
func TestBackendRequestsPassUnchanged(t *testing.T) {
	upstream := echo(t)
	url := start(t, upstream)
	got := doEcho(t, request(t, "GET", url+"/v1/users/a%2Fb?limit=1&x=%zz;y",
		"Authorization", "Bearer sk_test_client", "User-Agent", "node", "Clerk-API-Version", "2025-04-10",
		"X-Forwarded-For", "203.0.113.5", "X-Forwarded-Host", "app.example.com", "Forwarded", "for=203.0.113.5", "Connection", "X-Hop", "X-Hop", "1"))
	if got.URI != "/v1/users/a%2Fb?limit=1&x=%zz;y" || got.Method != "GET" || "http://"+got.Host != upstream {
		t.Errorf("%s %s at %s", got.Method, got.URI, got.Host)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer sk_test_client", "User-Agent": "node", "Clerk-Api-Version": "2025-04-10",
		"X-Forwarded-For": "", "X-Forwarded-Host": "", "X-Forwarded-Proto": "", "Forwarded": "", "X-Hop": "", "Accept-Encoding": "gzip",
	} {
		if v := got.Header.Get(name); v != want && name != "Accept-Encoding" {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
}

// The sidecar's key is used where it is asked for, and only there.
func TestTheKeyIsAddedWhereItIsAskedFor(t *testing.T) {
	upstream := echo(t)
	with, without := start(t, upstream, "-add-key"), start(t, upstream)
	for _, c := range []struct{ url, path, sent, want string }{
		{with, "/v1/users", "", "Bearer sk_test_of_the_sidecar"},
		{with, "/v1/users", "Bearer sidecar", "Bearer sk_test_of_the_sidecar"},
		{with, "/v1/users", "Bearer sk_test_own", "Bearer sk_test_own"},
		{with, "/__clerk/v1/client", "", ""}, // a visitor's request is not the instance's
		{without, "/v1/users", "", ""},
		{without, "/v1/users", "Bearer sidecar", "Bearer sidecar"},
	} {
		r := request(t, "GET", c.url+c.path)
		if c.sent != "" {
			r.Header.Set("Authorization", c.sent)
		}
		if got := doEcho(t, r).Header.Get("Authorization"); got != c.want {
			t.Errorf("%s with %q: %q, want %q", c.path, c.sent, got, c.want)
		}
	}
}

// Clerk limits Frontend requests by the leftmost X-Forwarded-For: it has to be
// the visitor's address, and no other.
func TestFrontendRequestsNameTheVisitor(t *testing.T) {
	upstream := echo(t)
	for _, c := range []struct{ hops, forwarded, want string }{
		{"1", "203.0.113.5", "203.0.113.5"},
		{"1", "6.6.6.6, 203.0.113.5", "203.0.113.5"},
		{"2", "6.6.6.6, 203.0.113.5, 10.0.0.1", "203.0.113.5"},
		{"0", "203.0.113.5", "127.0.0.1"},
		{"1", "", "127.0.0.1"},
	} {
		url := start(t, upstream, "-trusted-hops", c.hops)
		r := request(t, "POST", url+"/__clerk/v1/client/sign_ins?_method=PATCH", "Origin", "https://app.example.com",
			"X-Forwarded-Proto", "https", "X-Forwarded-Host", "app.example.com", "Cookie", "__client=1", "Clerk-Proxy-Url", "https://app.example.com/__clerk")
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		got := doEcho(t, r)
		if all := strings.Join(got.Header["X-Forwarded-For"], ","); all != c.want {
			t.Errorf("hops %s, %q: X-Forwarded-For %q, want %q", c.hops, c.forwarded, all, c.want)
		}
		wantProto, wantHost := "https", "app.example.com"
		if c.hops == "0" {
			wantProto, wantHost = "http", strings.TrimPrefix(url, "http://")
		}
		if p, h := got.Header.Get("X-Forwarded-Proto"), got.Header.Get("X-Forwarded-Host"); p != wantProto || h != wantHost {
			t.Errorf("hops %s: X-Forwarded-Proto %q, X-Forwarded-Host %q", c.hops, p, h)
		}
		if got.URI != "/v1/client/sign_ins?_method=PATCH" || got.Header.Get("Cookie") == "" || got.Header.Get("Origin") == "" || got.Header.Get("Clerk-Proxy-Url") == "" {
			t.Errorf("%s %v", got.URI, got.Header)
		}
	}
}

// Every mistake on the command line is told with the flag that it is in, before
// anything is done, and ends with exit code 2.
func TestWrongFlagsAreNamed(t *testing.T) {
	env := func(string) string { return "sk_test_x" }
	for want, args := range map[string][]string{
		"want https":                 {"-backend", "http://api.clerk.com"},
		"want a URL such as":         {"-frontend", "frontend-api.clerk.dev"},
		"listen on loopback":         {"-add-key", "-listen", "0.0.0.0:8787"},
		"-listen 8787":               {"-listen", "8787"},
		"unexpected argument":        {"https://api.clerk.com"},
		"-trusted-hops -1: must not": {"-trusted-hops", "-1"},
		"-max-wait -1s: must not":    {"-max-wait", "-1s"},
		"-headroom 20: want":         {"-headroom", "20"},
		"-headroom NaN: want":        {"-headroom", "NaN"},
		"-reserve 1: want":           {"-reserve", "1"},
		"-max-queue 0: must":         {"-max-queue", "0"},
		"-max-connections -1: must":  {"-max-connections", "-1"},
		"-body-files -1KiB: must":    {"-body-files", "-1KiB"},
		"-body-timeout 0s: must":     {"-body-timeout", "0s"},
		"for flag -body-files":       {"-body-files", "1"},
		"for flag -limit":            {"-limit", "0/1s"},
		"-redis: ":                   {"-redis", "127.0.0.1:6379"},
		"-nonsense":                  {"-nonsense"},
	} {
		_, err := parseOptions(args, env, t.Output())
		if err == nil || !strings.Contains(err.Error(), want) || flags.Exit("sidecar", err, t.Output()) != 2 {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	if _, err := parseOptions([]string{"-add-key"}, func(string) string { return "" }, t.Output()); err == nil || !strings.Contains(err.Error(), "CLERK_SECRET_KEY is not set") {
		t.Errorf("-add-key without a key: %v", err)
	}
	o, err := parseOptions(nil, env, t.Output())
	if err != nil || o.Listen != "127.0.0.1:8787" || o.backend.String() != "https://api.clerk.com" {
		t.Errorf("defaults: %+v, %v", o, err)
	}
}

// TRACE would come back with the key that the sidecar added.
func TestTraceDoesNotReachClerk(t *testing.T) {
	url := start(t, serve(t, func(http.ResponseWriter, *http.Request) { t.Error("Clerk was called") }), "-add-key")
	for _, path := range []string{"/v1/users", "/__clerk/v1/client"} {
		if resp, _ := do(t, request(t, "TRACE", url+path)); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") == "" {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}
