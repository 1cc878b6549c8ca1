package clerkthrottle

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const usersEndpoint, signInEndpoint = "GET /v1/users", "POST /v1/client/sign_ins"

func TestBackendHostsAreThrottledWhateverTheSpellingAndTheKey(t *testing.T) {
	for _, tt := range []struct{ method, url, key, want string }{
		{"GET", "https://api.clerk.com/v1/users", devKey, usersEndpoint},
		{"GET", "https://API.Clerk.COM/v1/users", devKey, usersEndpoint},
		{"GET", "https://api.clerk.com:443/v1/users", devKey, usersEndpoint},
		{"GET", "https://api.clerk.com./v1/users", "", usersEndpoint},
		{"GET", "https://name:pass@api.clerk.com/v1/users", devKey, usersEndpoint},
		{"GET", "http://api.clerk.com/v1/users", "", usersEndpoint},
		{"GET", "https://api.clerk.com/v1/users", "ak_machine", usersEndpoint},
		{"GET", "https://api.clerk.com/v1/client/sign_ins", "", "GET /v1/client/sign_ins"}, // not the Frontend's, at this host
		{"GET", "//api.clerk.com/users", devKey, usersEndpoint},
		{"GET", "https://api.clerk.com", devKey, "GET /v1"},
		{"GET", "https://api.clerk.dev/v1/users", devKey, usersEndpoint},
		{"GET", "https://API.Clerk.dev./v1/users", "", usersEndpoint},
	} {
		wantBackend(t, newTestClassifier(t), tt.method, tt.url, tt.key, tt.want)
	}
}

func TestFrontendHostsAreThrottledWhateverTheSpellingAndTheKey(t *testing.T) {
	for _, tt := range []struct{ method, url, key, want string }{
		{"POST", frontendURL + "/v1/client/sign_ins", "", signInEndpoint},
		{"POST", frontendURL + "/v1/client/sign_ins", liveKey, signInEndpoint},
		{"POST", "https://EXAMPLE-destined-camel-13.Clerk.Accounts.dev:443/v1/client/sign_ins", "", signInEndpoint},
		{"POST", "https://frontend-api.clerk.dev/v1/client/sign_ins", "", signInEndpoint},
		{"GET", frontendURL + "/v1/not_yet_known", "", "GET /v1/not_yet_known"},
		{"POST", "https://clerk.example.com/v1/client/sign_ins", "", signInEndpoint},
		{"POST", "https://clerk.example.com/v1/client/sign_ins", liveKey, signInEndpoint},
		{"POST", "https://Clerk.example.co.uk/v1/client/sign_ins", "", signInEndpoint},
		{"GET", "https://clerk.example.com/.well-known/jwks.json", "", "GET /.well-known/jwks.json"},
		{"GET", "https://clerk.example.com/v1/client", "session_jwt", "GET /v1/client"},
	} {
		wantFrontend(t, newTestClassifier(t), tt.method, tt.url, tt.key, tt.want)
	}
}

// clerk.<domain> is the name of a production instance's Frontend API, but anybody
// may have a server of that name.
func TestCustomDomainIsThrottledOnlyForFrontendOperations(t *testing.T) {
	for _, tt := range []struct{ method, url, key string }{
		{"GET", "https://clerk.internal.example.com/v1/users", liveKey},
		{"GET", "https://clerk.internal.example.com/v1/users", ""},
		{"GET", "https://clerk.example.com/", ""},
		{"POST", "https://clerk.example.com/v1/client/not_yet_known", ""},
		{"POST", "https://clerk.example.com/v2/client/sign_ins", ""},
	} {
		wantUntouched(t, newTestClassifier(t), tt.method, tt.url, tt.key)
	}
}

func TestNamedHostIsThrottledWhateverTheRequest(t *testing.T) {
	c := newTestClassifier(t, WithHosts("Gateway.example.com", "clerk.internal.example.", "clerk-mock", "192.0.2.1", "2001:db8::1", "127.0.0.2"))
	for _, tt := range []struct{ method, url, key, want string }{
		{"GET", "https://gateway.example.com/v1/users", liveKey, usersEndpoint},
		{"GET", "https://GATEWAY.example.com.:8443/some/prefix/v1/users", liveKey, usersEndpoint},
		{"GET", "https://clerk.internal.example/v1/users", liveKey, usersEndpoint},
		{"GET", "http://clerk-mock:8080/users", devKey, usersEndpoint},
		{"GET", "http://192.0.2.1/v1/users", devKey, usersEndpoint},
		{"GET", "http://[2001:db8::1]:80/v1/users", devKey, usersEndpoint},
		// A gateway may add the key.
		{"GET", "https://gateway.example.com/v1/users", "", usersEndpoint},
		{"GET", "https://gateway.example.com/v1/users", "a_token", usersEndpoint},
		{"GET", "http://127.0.0.2/v1/users", "", usersEndpoint},
		{"GET", "https://gateway.example.com/v1/organizations/" + anOrg + "/memberships", "", "GET /v1/organizations/{organization_id}/memberships"}, // both APIs have it
		{"GET", "https://gateway.example.com/v1/not_yet_known", "", "GET /v1/not_yet_known"},
		{"GET", "https://gateway.example.com/v1/sign_ups/" + aSignUp, liveKey, "GET /v1/sign_ups/{id}"},
	} {
		wantBackend(t, c, tt.method, tt.url, tt.key, tt.want)
	}
	for _, tt := range []struct{ method, url, key, want string }{
		{"POST", "https://gateway.example.com/v1/client/sign_ins", "", signInEndpoint},
		{"POST", "https://gateway.example.com/v1/client/sign_ins", liveKey, signInEndpoint},
		{"POST", "https://clerk.internal.example/__clerk/v1/client/sign_ins", "", signInEndpoint},
		{"POST", "https://gateway.example.com/__clerk/client/sign_ins", "", signInEndpoint},
		{"POST", "https://gateway.example.com/api/auth/v1/client/sign_ins", "", signInEndpoint},
		{"GET", "https://gateway.example.com/__clerk/v1/not_yet_known", "", "GET /v1/not_yet_known"},
		{"GET", "https://gateway.example.com/v1/environment", "", "GET /v1/environment"}, // the Frontend's alone
		{"POST", "https://gateway.example.com/v1/me?_method=PATCH", "", "PATCH /v1/me"},
		{"GET", "https://gateway.example.com/.well-known/jwks.json", "", "GET /.well-known/jwks.json"},
	} {
		wantFrontend(t, c, tt.method, tt.url, tt.key, tt.want)
	}
	wantUntouched(t, c, "GET", "https://www.gateway.example.com/v1/users", liveKey)
	wantUntouched(t, c, "GET", "https://example.com/v1/users", liveKey)
}

func TestLoopbackIsThrottledForASecretKeyOrAVisitorsPath(t *testing.T) {
	c := newTestClassifier(t)
	for _, tt := range []struct{ method, url, key, want string }{
		{"GET", "http://127.0.0.1:8080/v1/users", devKey, usersEndpoint},
		{"GET", "http://127.8.9.10/v1/users", devKey, usersEndpoint},
		{"GET", "http://[::1]:8080/v1/users", liveKey, usersEndpoint},
		{"GET", "http://localhost/users", devKey, usersEndpoint},
		{"GET", "http://clerk.localhost:3000/users", devKey, usersEndpoint},
		{"GET", "http://127.0.0.1:8080/v1/clients", liveKey, "GET /v1/clients"}, // no visitor's path
		{"GET", "http://127.0.0.1:8080/v1/sign_ups/" + aSignUp, liveKey, "GET /v1/sign_ups/{id}"},
	} {
		wantBackend(t, c, tt.method, tt.url, tt.key, tt.want)
	}
	for _, tt := range []struct{ method, url, key, want string }{
		{"POST", "http://127.0.0.1:8080/v1/client/sign_ins", "", signInEndpoint},
		{"POST", "http://127.0.0.1:8080/v1/sign_ins", "", "POST /v1/sign_ins"},
		{"POST", "http://127.0.0.1:8080/__clerk/v1/client/sign_ins", liveKey, signInEndpoint},
		{"GET", "http://localhost/__clerk/v1/environment", "", "GET /v1/environment"},
	} {
		wantFrontend(t, c, tt.method, tt.url, tt.key, tt.want)
	}
	for _, tt := range []struct{ method, url, key string }{
		{"GET", "http://localhost:9200/v1/users", ""},
		{"GET", "http://127.0.0.1/v1/users", "a_token"},
		{"GET", "http://127.0.0.1:9200/_search", "live_of_another"},
	} {
		wantUntouched(t, c, tt.method, tt.url, tt.key)
	}
}

func TestEveryOtherHostIsUntouchedWhateverThePathAndTheKey(t *testing.T) {
	c := newTestClassifier(t)
	for _, host := range []string{
		"example.com", "internal.corp", "api.tap.company", "gateway.example.com", "api.stripe.com", "api.paystack.co", "api.openai.com",
		"clerk.com", "www.clerk.com", "clerk.io", "clerk", "api.clerk.com.example.com", "api.clerk.community", "xapi.clerk.com",
		"x.clerk.accounts.dev.example.com", "notclerk.accounts.dev", "frontend-api.clerk.dev.example.com", "notclerk.example.com",
		"127.evil.example", "127.0.0.1.example.com", "localhost.example.com", "notlocalhost", "192.168.0.1", "[2001:db8::1]", "",
	} {
		for _, path := range []string{
			"/", "/v1/users", "/users", "/v1/sign_ins", "/v1/client", "/v1/client/sign_ins", "/__clerk/v1/client/sign_ins",
			"/?u=api.clerk.com/v1/client", "/api.clerk.com/v1/users",
		} {
			for _, key := range []string{"", "a_token", devKey, liveKey, "ak_machine"} {
				wantUntouched(t, c, "POST", "https://"+host+path, key)
			}
		}
	}
	for _, url := range []string{"/v1/users", "", "mailto:someone@example.com", "file:///etc/hosts"} {
		wantUntouched(t, c, "GET", url, liveKey)
	}
}

func wantBackend(t *testing.T, c *classifier, method, url, key, want string) {
	t.Helper()
	if claim := c.classify(newRequest(method, url, key)); claim == nil || claim.Endpoint != want || len(claim.Limits) != 1 || claim.Limits[0].Name != InstanceLimit {
		t.Errorf("%s %s (%.8s): %+v, want %q and the instance's limit", method, url, key, claim, want)
	}
}

// wantFrontend wants the sign-ins' limit for those who send a POST to sign in.
func wantFrontend(t *testing.T, c *classifier, method, url, key, want string) {
	t.Helper()
	claim, limits := c.classify(newRequest(method, url, key)), 0
	if strings.Contains(want, "/sign_ins") {
		limits = 1
	}
	if claim == nil || claim.Endpoint != want || len(claim.Limits) != limits || limits > 0 && claim.Limits[0].Name != signInEndpoint {
		t.Errorf("%s %s (%.8s): %+v, want %q and %d limits", method, url, key, claim, want, limits)
	}
}

func wantUntouched(t *testing.T, c *classifier, method, url, key string) {
	t.Helper()
	if claim := c.classify(newRequest(method, url, key)); claim != nil {
		t.Errorf("%s %s (%.8s) is taken for %q, want it untouched", method, url, key, claim.Endpoint)
	}
}

func TestHalfARequestDoesntPanic(t *testing.T) {
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
