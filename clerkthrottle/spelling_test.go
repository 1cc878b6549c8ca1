package clerkthrottle

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestStaticSegmentIsNoID(t *testing.T) {
	c := newTestClassifier(t)
	for op, want := range map[string]string{
		"GET /v1/users/count":                                   "GET /v1/users/count",
		"GET /v1/users/counts":                                  "GET /v1/users/{user_id}",
		"PATCH /v1/users/count":                                 "PATCH /v1/users/{user_id}", // no such operation but the param's
		"POST /v1/users/ban":                                    "POST /v1/users/ban",
		"POST /v1/invitations/bulk":                             "POST /v1/invitations/bulk",
		"POST /v1/organizations/" + anOrg + "/invitations/bulk": "POST /v1/organizations/{organization_id}/invitations/bulk",
		"GET /v1/organizations/" + anOrg + "/invitations/bulk":  "GET /v1/organizations/{organization_id}/invitations/{invitation_id}",
	} {
		wantEndpoint(t, c.classify(backendRequest(op)), want)
	}
}

// The documentation prints paths that Clerk does not serve. Whichever a program
// uses, one visitor has one count.
func TestDocumentedSpellingSharesTheRealOnesCount(t *testing.T) {
	c := newTestClassifier(t)
	bucket := func(op string) string {
		claim := c.classify(frontendRequest(op))
		if claim == nil || len(claim.Limits) != 1 {
			t.Fatalf("%s: %+v, want one limit", op, claim)
		}
		return claim.Limits[0].Key
	}
	seen := map[string]bool{}
	for _, row := range [][]string{
		{"POST /v1/client/sign_ins", "POST /v1/sign_ins", "POST /client/sign_ins", "POST /sign_ins"},
		{"POST /v1/client/sign_ups", "POST /v1/sign_ups"},
		{
			"POST /v1/client/sign_ins/" + aSignIn + "/attempt_first_factor",
			"POST /v1/client/sign_ins/another/attempt_first_factor",
			"POST /v1/client/sign_ins/" + aSignIn + "/attempt_second_factor",
			"POST /v1/sign_ins/attempt_first_factor",
			"POST /v1/sign_ins/attempt_second_factor",
		},
		{"POST /v1/client/sign_ups/" + aSignUp + "/attempt_verification", "POST /v1/sign_ups/attempt_verification"},
	} {
		want := bucket(row[0])
		if seen[want] {
			t.Errorf("%s: shares the count %q of another row", row[0], want)
		}
		seen[want] = true
		for _, op := range row {
			if got := bucket(op); got != want {
				t.Errorf("%s: counted in %q, want %q", op, got, want)
			}
		}
	}
}

func TestLookAlikeDrawsOnNoRow(t *testing.T) {
	c := newTestClassifier(t)
	for _, op := range []string{
		"POST /v1/client/sessions/sess_1/verify/attempt_first_factor",
		"POST /v1/client/sessions/sess_1/verify/attempt_second_factor",
		"POST /v1/me/email_addresses/idn_1/attempt_verification",
		"POST /v1/me/phone_numbers/idn_1/attempt_verification",
		"POST /v1/me/totp/attempt_verification",
		"POST /v1/client/sign_ins/" + aSignIn + "/prepare_first_factor",
		"POST /v1/client/sign_ins/" + aSignIn + "/attempt_first_factor/again",
		"POST /v1/client/sign_ins/" + aSignIn + "/more/attempt_first_factor",
		"POST /v1/client/sign_ins/" + aSignIn,
		"GET /v1/client/sign_ins",
		"POST /v1/client/sign_insx",
		"POST /v1/sign_ins/" + aSignIn + "/attempt_first_factor",
		"POST /v2/client/sign_ins",
		"PATCH /v1/organizations/" + anOrg, // the Backend has a row for it
		"POST /v1/organizations/" + anOrg + "/invitations",
	} {
		wantRows(t, c.classify(frontendRequest(op)))
	}
	for _, op := range []string{
		"PATCH /v1/users/" + aUser + "/metadata/more",
		"POST /v1/users/" + aUser + "/metadata",
		"PUT /v1/users/" + aUser,
		"GET /v1/users/" + aUser,
		"PUT /v1/organizations/" + anOrg + "/memberships/" + aUser + "/metadata",
		"DELETE /v1/organizations/" + anOrg,
		"GET /v1/invitations",
		"PATCH /v2/users/" + aUser,
		"POST /v1/email_addresses/idn_1/attempt_verification",
		"POST /v1/client/sign_ins", // at the Backend's host
	} {
		wantRows(t, c.classify(backendRequest(op)), development)
	}
}

// The paths that both APIs have are told apart by who is asked.
func TestFrontendRequestDrawsOnNoBackendRow(t *testing.T) {
	c := newTestClassifier(t)
	backend := rowsByOperation(PerInstance, PerResource)
	both := 0
	for _, op := range frontendList() {
		for known, row := range backend {
			if filled(known, "{}") == filled(op, "{}") {
				both++
				wantRows(t, c.classify(backendRequest(filled(op, anOrg))), row.Name+" "+sizeOf(row), development)
				wantRows(t, c.classify(frontendRequest(filled(op, anOrg))))
			}
		}
	}
	if both == 0 {
		t.Error("no path that both APIs have: the test tests nothing")
	}
}

func TestPathSpelledOtherwiseDoesntSlipItsRow(t *testing.T) {
	c := newTestClassifier(t)
	const user = "PATCH /v1/users/{user_id}"
	want := bucketOf(t, c.classify(backendRequest("PATCH /v1/users/"+aUser)), user)
	for _, path := range []string{
		"/v1/users/" + aUser + "/",
		"/v1/users/" + aUser + "?a=/v1/b",
		"/v1/users/" + aUser + "#x",
		"/users/" + aUser,
		"/users/" + aUser + "/",
		"/v1//users/" + aUser,
		"//v1/users/" + aUser,
		"/v1/users//" + aUser + "//",
		"/a/custom/prefix/v1/users/" + aUser,
		"/v1/%75sers/" + aUser,
		"/v1/users/user%5F" + aUser[len("user_"):],
	} {
		claim := c.classify(backendRequest("PATCH " + path))
		wantEndpoint(t, claim, user)
		if got := bucketOf(t, claim, user); got != want {
			t.Errorf("%s: counted in %q, want %q", path, got, want)
		}
	}
	lower := newRequest("patch", backendURL+"/v1/users/"+aUser, devKey)
	wantEndpoint(t, c.classify(lower), user)
	none := newRequest("", backendURL+"/v1/users", devKey)
	wantEndpoint(t, c.classify(none), "GET /v1/users")
}

func TestSlashInsideAnIDDoesntEndIt(t *testing.T) {
	c := newTestClassifier(t)
	claim := c.classify(backendRequest("PATCH /v1/users/a%2Fmetadata"))
	wantEndpoint(t, claim, "PATCH /v1/users/{user_id}")
	inside := c.classify(backendRequest("PATCH /v1/users/a%2Fb%20c"))
	if a, b := claim.Limits[0].Key, inside.Limits[0].Key; a == b {
		t.Errorf("two users share the bucket %q", a)
	}
	// A RawPath that is no spelling of Path is not what is sent.
	u := &url.URL{Scheme: "https", Host: "api.clerk.com", Path: "/v1/users/" + aUser, RawPath: "/v1/jwks"}
	wantEndpoint(t, c.classify(&http.Request{Method: "PATCH", URL: u}), "PATCH /v1/users/{user_id}")
	u = &url.URL{Scheme: "https", Host: "api.clerk.com", Path: "/v1/users/%zz", RawPath: "/v1/users/%zz"}
	wantEndpoint(t, c.classify(&http.Request{Method: "PATCH", URL: u}), "PATCH /v1/users/{user_id}")
}

func TestOpaqueURLDoesntSlipItsRow(t *testing.T) {
	c := newTestClassifier(t)
	for _, opaque := range []string{"//api.clerk.com/v1/users/" + aUser, "/v1/users/" + aUser, "//api.clerk.com/v1/users/" + aUser + "?x=1"} {
		u := &url.URL{Scheme: "https", Host: "api.clerk.com", Opaque: opaque}
		claim := c.classify(&http.Request{Method: "PATCH", URL: u})
		wantEndpoint(t, claim, "PATCH /v1/users/{user_id}")
		if key := claim.Limits[0].Key; !strings.HasSuffix(key, " "+aUser) {
			t.Errorf("%s: bucket %q, want the user's", opaque, key)
		}
	}
}

func TestMethodInTheQueryCountsForFrontendPosts(t *testing.T) {
	c := newTestClassifier(t)
	for query, want := range map[string]string{
		"?_method=PATCH":                 "PATCH /v1/client/sign_ups/{sign_up_id}",
		"?_method=patch":                 "PATCH /v1/client/sign_ups/{sign_up_id}",
		"?a=b&_method=PATCH&c=d":         "PATCH /v1/client/sign_ups/{sign_up_id}",
		"?_method=GET":                   "GET /v1/client/sign_ups/{sign_up_id}",
		"?_method=":                      "POST /v1/client/sign_ups/{id}",
		"?_method=BREW":                  "POST /v1/client/sign_ups/{id}",
		"?x=_method=PATCH":               "POST /v1/client/sign_ups/{id}",
		"?_method=PATCH%3B&_method=POST": "POST /v1/client/sign_ups/{id}",
		"":                               "POST /v1/client/sign_ups/{id}",
	} {
		wantEndpoint(t, c.classify(frontendRequest("POST /v1/client/sign_ups/"+aSignUp+query)), want)
	}
	// Only POST carries another method, and only to the Frontend API.
	wantEndpoint(t, c.classify(frontendRequest("GET /v1/client/sign_ups/"+aSignUp+"?_method=PATCH")), "GET /v1/client/sign_ups/{sign_up_id}")
	wantEndpoint(t, c.classify(backendRequest("POST /v1/users/ban?_method=PATCH")), "POST /v1/users/ban")
	wantRows(t, c.classify(frontendRequest("POST /v1/client/sign_ins?_method=POST")), "POST /v1/client/sign_ins 5/10s")
}
