package clerkthrottle

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Two keys that any search finds again.
const (
	liveKey = "sk_live_RECOGNISABLEliveKEY0123456789abcdefghij"
	devKey  = "sk_test_RECOGNISABLEtestKEY0123456789abcdefghij"
)

// Realistic ids.
const (
	aUser   = "user_2NNEqL2nrIRdJ194ndJqAHwEfxC"
	anOrg   = "org_2cPPXrUTLJXxG5SKTwyZ9Vn7WcF"
	aSignIn = "sia_2gxNbPVpxmc7YKbyTWTrGTEDvMh"
	aSignUp = "sua_2gxNbPVpxmc7YKbyTWTrGTEDvMh"
	aUUID   = "6f1b7e0a-3c1d-4d52-9a2e-0a8b6c1d2e3f"
)

const (
	backendURL  = "https://api.clerk.com"
	frontendURL = "https://example-destined-camel-13.clerk.accounts.dev"
)

func newTestClassifier(tb testing.TB, opts ...Option) *classifier {
	tb.Helper()
	cfg, err := newConfig(append([]Option{WithLogger(slog.New(slog.DiscardHandler))}, opts...))
	if err != nil {
		tb.Fatal(err)
	}
	c, err := newClassifier(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// newRequest makes a request; headers come in pairs.
func newRequest(method, address, key string, headers ...string) *http.Request {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	r := &http.Request{Method: method, URL: u, Host: u.Host, Header: http.Header{}}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// backendRequest makes a request to the API's usual host from "METHOD /path".
func backendRequest(operation string) *http.Request {
	method, path, _ := strings.Cut(operation, " ")
	return newRequest(method, backendURL+path, devKey)
}

func frontendRequest(operation string) *http.Request {
	method, path, _ := strings.Cut(operation, " ")
	return newRequest(method, frontendURL+path, "")
}

// drawsOn lists the limits of a claim as "name N/window", the order kept.
func drawsOn(c *transport.Claim) []string {
	rows := []string{}
	for _, l := range c.Limits {
		rows = append(rows, fmt.Sprintf("%s %d/%s", l.Name, l.N, l.Window))
	}
	return rows
}

// bucketOf returns the key of the claim's bucket for the named limit.
func bucketOf(t *testing.T, c *transport.Claim, limit string) string {
	t.Helper()
	for _, l := range c.Limits {
		if l.Name == limit {
			return l.Key
		}
	}
	t.Fatalf("%s does not draw on %q but on %q", c.Endpoint, limit, drawsOn(c))
	return ""
}

func wantRows(t *testing.T, c *transport.Claim, want ...string) {
	t.Helper()
	if c == nil {
		t.Fatal("not taken for Clerk's")
	}
	if got := drawsOn(c); !slices.Equal(got, want) {
		t.Errorf("%s draws on %q, want %q", c.Endpoint, got, want)
	}
}

func wantEndpoint(t *testing.T, c *transport.Claim, want string) {
	t.Helper()
	switch {
	case c == nil:
		t.Errorf("not taken for Clerk's, want %q", want)
	case c.Endpoint != want:
		t.Errorf("endpoint %q, want %q", c.Endpoint, want)
	}
}
