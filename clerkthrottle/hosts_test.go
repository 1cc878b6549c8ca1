package clerkthrottle

import (
	"net/http"
	"net/url"
	"testing"
)

const usersEndpoint, signInEndpoint = "GET /v1/users", "POST /v1/client/sign_ins"

func TestBackendRequestIsTakenForAnothers(t *testing.T) {
	const users = usersEndpoint
	for _, tt := range []struct{ method, url, key, want string }{
		// Whatever the spelling of its host, with any key or none.
		{"GET", "https://api.clerk.com/v1/users", devKey, users},
		{"GET", "https://API.Clerk.COM/v1/users", devKey, users},
		{"GET", "https://api.clerk.com:443/v1/users", devKey, users},
		{"GET", "https://api.clerk.com./v1/users", "", users},
		{"GET", "https://name:pass@api.clerk.com/v1/users", devKey, users},
		{"GET", "http://api.clerk.com/v1/users", "", users},
		{"GET", "https://api.clerk.com/v1/users", "ak_machine", users},
		{"GET", "//api.clerk.com/users", devKey, users},
		{"GET", "https://api.clerk.com", devKey, "GET /v1"},

		// A stand-in or a proxy for it is told by the secret key.
		{"GET", "http://127.0.0.1:8080/v1/users", devKey, users},
		{"GET", "http://[::1]:8080/v1/users", liveKey, users},
		{"GET", "http://localhost/users", devKey, users},
		{"GET", "https://gateway.example.com/clerk/v1/users", liveKey, users},
		{"GET", "http://clerk.internal.example.com/v1/users", liveKey, users},
		{"GET", "https://notclerk.accounts.dev/v1/users", liveKey, users},
		{"GET", "http://127.0.0.1:8080/v1/clients", liveKey, "GET /v1/clients"}, // no such path there
		{"GET", "http://127.0.0.1:8080/v1/sign_ups/" + aSignUp, liveKey, "GET /v1/sign_ups/{id}"},
	} {
		claim := newTestClassifier(t).classify(request(tt.method, tt.url, tt.key))
		if claim == nil || claim.Endpoint != tt.want || len(claim.Limits) != 1 || claim.Limits[0].Name != InstanceLimit {
			t.Errorf("%s %s (%.8s): %+v, want %q and the instance's limit", tt.method, tt.url, tt.key, claim, tt.want)
		}
	}
}

func TestFrontendRequestIsTakenForAnothers(t *testing.T) {
	const signIn = signInEndpoint
	for _, tt := range []struct{ method, url, key, want string }{
		{"POST", frontendURL + "/v1/client/sign_ins", "", signIn},
		{"POST", "https://EXAMPLE-destined-camel-13.Clerk.Accounts.dev:443/v1/client/sign_ins", "", signIn},
		{"POST", "https://clerk.example.com/v1/client/sign_ins", "", signIn},
		{"POST", "https://Clerk.example.co.uk/v1/client/sign_ins", "", signIn},
		{"POST", "https://frontend-api.clerk.dev/v1/client/sign_ins", "", signIn},
		{"POST", "https://example.com/__clerk/v1/client/sign_ins", "", signIn},
		{"POST", "https://example.com/__clerk/client/sign_ins", "", signIn},
		{"POST", "https://example.com/api/auth/v1/client/sign_ins", "", signIn},
		{"POST", "http://127.0.0.1:8080/v1/client/sign_ins", "", signIn},
		{"POST", "http://127.0.0.1:8080/v1/sign_ins", "", "POST /v1/sign_ins"},
		{"GET", "https://example.com/__clerk/v1/environment", "", "GET /v1/environment"},
		{"GET", "https://example.com/__clerk/.well-known/jwks.json", "", "GET /.well-known/jwks.json"},
		{"GET", "https://clerk.example.com/.well-known/jwks.json", "", "GET /.well-known/jwks.json"},
		{"GET", "https://clerk.example.com/v1/client", "session_jwt", "GET /v1/client"},
		// Its hosts and its paths decide, even for one who sends a secret key along.
		{"POST", frontendURL + "/v1/client/sign_ins", liveKey, signIn},
		{"POST", "https://clerk.example.com/v1/client/sign_ins", liveKey, signIn},
		{"POST", "http://127.0.0.1:8080/__clerk/v1/client/sign_ins", liveKey, signIn},
	} {
		claim := newTestClassifier(t).classify(request(tt.method, tt.url, tt.key))
		limits := 0
		if tt.method == "POST" {
			limits = 1
		}
		if claim == nil || claim.Endpoint != tt.want || len(claim.Limits) != limits || limits > 0 && claim.Limits[0].Name != signIn {
			t.Errorf("%s %s (%.8s): %+v, want %q and %d limits", tt.method, tt.url, tt.key, claim, tt.want, limits)
		}
	}
}

func TestForeignRequestIsTakenForClerks(t *testing.T) {
	for _, tt := range []struct{ method, url, key string }{
		{"GET", "https://example.com/", ""},
		{"GET", "https://example.com/v1/users", ""},
		{"GET", "https://example.com/v1/users", "a_token"},
		{"GET", "https://example.com/v1/clients", ""},
		{"GET", "https://example.com/__clerks/x", ""},
		{"GET", "https://api.openai.com/v1/models", "sk-proj-abc"},
		{"GET", "https://api.stripe.com/v1/customers", "sk_live_of_stripe"},
		{"GET", "https://API.STRIPE.com:443/v1/customers", "sk_test_of_stripe"},
		{"GET", "https://files.stripe.com/v1/files", "sk_live_of_stripe"},
		{"GET", "https://api.paystack.co/customer", "sk_live_of_paystack"},
		{"GET", "https://clerk.com/docs", ""},
		{"GET", "https://clerk.io/", ""},
		{"GET", "https://api.clerk.com.example.com/v1/users", ""},
		{"GET", "https://api.clerk.community/v1/users", ""},
		{"GET", "https://example.com/?u=api.clerk.com/v1/client", ""},
		{"GET", "/v1/users", ""},
		{"GET", "", ""},
		{"GET", "mailto:someone@example.com", ""},
		{"GET", "file:///etc/hosts", ""},
	} {
		if claim := newTestClassifier(t).classify(request(tt.method, tt.url, tt.key)); claim != nil {
			t.Errorf("%s %s (%.8s) is taken for %q, want it untouched", tt.method, tt.url, tt.key, claim.Endpoint)
		}
	}
}

func TestHalfARequestPanics(t *testing.T) {
	c := newTestClassifier(t)
	if c.classify(nil) != nil || c.classify(&http.Request{}) != nil {
		t.Error("a request without a URL is taken for Clerk's")
	}
	u := &url.URL{Scheme: "https", Host: "api.clerk.com", Path: "/v1/users"}
	wantRows(t, c.classify(&http.Request{URL: u}), development) // nil Header
	front := &url.URL{Host: "clerk.example.com", Path: "v1/client"}
	for _, r := range []*http.Request{
		{URL: &url.URL{}},
		{URL: front},
		{URL: &url.URL{Host: "clerk.example.com"}, Method: "\x00"},
		{URL: &url.URL{Host: ":", Path: "/v1/client", RawQuery: "%zz&_method=PATCH;"}, Method: "POST"},
		{URL: &url.URL{Host: "[::1", Path: "/v1/client"}},
		{URL: &url.URL{Opaque: "//"}, Header: http.Header{"Authorization": {"Bearer sk_test_x"}}},
		{URL: &url.URL{Opaque: "?"}, Header: http.Header{"Authorization": {"Bearer sk_test_x"}}},
		{URL: u, Header: http.Header{"Authorization": nil, "X-Forwarded-For": {}}},
	} {
		c.classify(r)
	}
}

func TestKeyIsMisreadFromTheHeader(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer sk_test_x":    "sk_test_x",
		"bearer sk_test_x":    "sk_test_x",
		"BEARER   sk_test_x ": "sk_test_x",
		"Bearer":              "",
		"Bearer ":             "",
		"sk_test_x":           "",
		"Basic sk_test_x":     "",
		"Bearers sk_test_x":   "",
		"":                    "",
	} {
		if got := bearer(http.Header{"Authorization": {header}}); got != want {
			t.Errorf("%q: key %q, want %q", header, got, want)
		}
	}
}
