package clerkthrottle

import (
	"math"
	"net/http"
	"testing"
	"time"
)

func TestOverrideResizesTheDocumentedRow(t *testing.T) {
	const userRow = "PATCH /v1/users/{user_id}"
	for _, operation := range []string{
		"PATCH /v1/users/{user_id}", // the first operation of the row, by any name of its param
		"PATCH /v1/users/{id}",
		"PATCH /users/{user_id}",
		"PATCH /v1/users/{user_id}/",
		"PATCH /v1/users/{user_id}/metadata", // and any other operation of it
		"PUT /v1/users/{anyone}/metadata",
	} {
		c := newTestClassifier(t, WithLimit(operation, 7, time.Minute))
		for _, op := range []string{"PATCH /v1/users/" + aUser, "PATCH /v1/users/" + aUser + "/metadata", "PUT /v1/users/" + aUser + "/metadata"} {
			claim := c.classify(backendRequest(op))
			wantRows(t, claim, userRow+" 7/1m0s", development)
			if key := claim.Limits[0].Key; key != bucketOf(t, c.classify(backendRequest("PATCH /v1/users/"+aUser)), userRow) {
				t.Errorf("%s: the row falls apart: %q", op, key)
			}
		}
		wantRows(t, c.classify(backendRequest("PATCH /v1/organizations/"+anOrg)), "PATCH /v1/organizations/{organization_id} 10/10s", development)
	}
}

func TestFrontendOverrideCountsPerAddress(t *testing.T) {
	for operation, request := range map[string]string{
		"POST /v1/client/sign_ins": "POST /v1/sign_ins",
		"POST /v1/sign_ins":        "POST /v1/client/sign_ins",
	} {
		c := newTestClassifier(t, WithLimit(operation, 2, time.Minute))
		wantRows(t, c.classify(frontendRequest(request)), "POST /v1/client/sign_ins 2/1m0s")
	}
	for operation, request := range map[string]string{
		"GET /v1/client":                              "GET /v1/client",
		"POST /v1/client/sessions/{id}/tokens":        "POST /v1/client/sessions/sess_1/tokens",
		"POST /v1/me/totp/attempt_verification":       "POST /v1/me/totp/attempt_verification",
		"POST /oauth/token":                           "POST /oauth/token", // has no /v1
		"GET /.well-known/jwks.json":                  "GET /.well-known/jwks.json",
		"POST /v1/client/not_yet/{known}":             "POST /v1/client/not_yet/1",
		"GET /v1/saml/metadata/{saml_connection}.xml": "GET /v1/saml/metadata/samlc_1.xml",
	} {
		c := newTestClassifier(t, WithLimit(operation, 2, time.Minute))
		claim := c.classify(frontendRequest(request))
		wantRows(t, claim, operation+" 2/1m0s")
		if claim != nil && len(claim.Limits) == 1 {
			other := frontendRequest(request)
			other.Header.Set("X-Forwarded-For", "203.0.113.7")
			if c.classify(other).Limits[0].Key == claim.Limits[0].Key {
				t.Errorf("%s: visitors share the new row", operation)
			}
		}
	}
}

func TestNewRowIsDrawnOn(t *testing.T) {
	for operation, request := range map[string]string{
		"GET /v1/users":                             "GET /v1/users",
		"GET /v1/users/{id}":                        "GET /v1/users/" + aUser,
		"POST /v1/m2m_tokens":                       "POST /m2m_tokens",
		"GET /v1/api_keys":                          "GET /api_keys",       // in both APIs: the Backend's
		"POST /v1/organizations":                    "POST /organizations", // likewise
		"POST /v1/brand_new/{thing_id}":             "POST /v1/brand_new/thing_1",
		"GET /v1/sign_ups/{sign_up_id}":             "GET /v1/sign_ups/" + aSignUp,
		"GET /v1/users/{user_id}/billing/statement": "GET /v1/users/" + aUser + "/billing/statement",
	} {
		c := newTestClassifier(t, WithLimit(operation, 2, time.Minute))
		claim := c.classify(backendRequest(request))
		wantRows(t, claim, operation+" 2/1m0s", development)
		if len(claim.Limits) == 2 && claim.Rate != claim.Limits[0] {
			t.Errorf("%s: learns %v, want the tighter of the limits that all share", operation, claim.Rate)
		}
	}
	// The new row counts for the instance, whatever the resource.
	c := newTestClassifier(t, WithLimit("GET /v1/users/{id}", 2, time.Minute))
	one := c.classify(backendRequest("GET /v1/users/" + aUser)).Limits[0].Key
	if two := c.classify(backendRequest("GET /v1/users/another")).Limits[0].Key; one != two {
		t.Errorf("buckets %q and %q, want one for the instance", one, two)
	}
}

func TestNewRowOfAnExemptOperationIsDrawnOn(t *testing.T) {
	c := newTestClassifier(t, WithLimit("GET /v1/jwks", 2, time.Minute))
	claim := c.classify(backendRequest("GET /v1/jwks"))
	wantRows(t, claim, "GET /v1/jwks 2/1m0s") // and still not on the instance's
}

func TestLastOverrideWins(t *testing.T) {
	c := newTestClassifier(t,
		WithLimit("GET /v1/users", 2, time.Minute), WithLimit("GET /users", 3, time.Hour),
		WithLimit("instance", 4, time.Minute), WithLimit("instance", 5, time.Hour))
	wantRows(t, c.classify(backendRequest("GET /v1/users")), "GET /v1/users 3/1h0m0s", "instance 5/1h0m0s")
}

func TestInstanceOverrideHoldsForBothTypes(t *testing.T) {
	c := newTestClassifier(t, WithLimit("instance", 50, time.Second))
	for _, key := range []string{devKey, liveKey, ""} {
		wantRows(t, c.classify(newRequest("GET", backendURL+"/v1/users", key)), "instance 50/1s")
	}
}

func TestReplacedTableKeepsTheInstancesRowUnlessItHasOne(t *testing.T) {
	users := Limit{Operations: []string{"GET /v1/users"}, N: 7, Window: time.Minute}
	list := func(key string) *http.Request { return newRequest("GET", backendURL+"/v1/users", key) }
	c := newTestClassifier(t, WithLimits([]Limit{users}))
	wantRows(t, c.classify(list(devKey)), "GET /v1/users 7/1m0s", development)
	wantRows(t, c.classify(list(liveKey)), "GET /v1/users 7/1m0s", production)
	c = newTestClassifier(t, WithLimits([]Limit{users, {N: 50, Window: time.Second}}))
	wantRows(t, c.classify(list(devKey)), "GET /v1/users 7/1m0s", "instance 50/1s")
	wantRows(t, c.classify(list(liveKey)), "GET /v1/users 7/1m0s", "instance 50/1s")
	c = newTestClassifier(t, WithLimits(nil))
	wantRows(t, c.classify(backendRequest("PATCH /v1/users/"+aUser)), development)
}

func TestOverrideAndHeadroomApplyToTheReplacedTable(t *testing.T) {
	users := Limit{Name: "lists", Operations: []string{"GET /v1/users", "GET /v1/users/count"}, N: 8, Window: time.Minute}
	c := newTestClassifier(t, WithLimit("GET /v1/users/count", 4, time.Hour), WithHeadroom(0.5), WithLimits([]Limit{users}))
	wantRows(t, c.classify(backendRequest("GET /v1/users")), "lists 2/1h0m0s", "instance 50/10s")
}

func TestReplacedTableOfClerksOwnRowsIsTheTable(t *testing.T) {
	c, same := newTestClassifier(t), newTestClassifier(t, WithLimits(Limits(Development)))
	for _, op := range backendList() {
		wantRows(t, same.classify(backendRequest(filled(op, aUser))), drawsOn(c.classify(backendRequest(filled(op, aUser))))...)
	}
	for _, op := range frontendList() {
		wantRows(t, same.classify(frontendRequest(filled(op, aUser))), drawsOn(c.classify(frontendRequest(filled(op, aUser))))...)
	}
}

func TestLimitPerEndpointSplitsTheInstancesRowAlone(t *testing.T) {
	c := newTestClassifier(t, WithLimitPerEndpoint())
	bucket := func(op string) string { return bucketOf(t, c.classify(backendRequest(op)), InstanceLimit) }
	if bucket("GET /v1/users") == bucket("GET /v1/sessions") {
		t.Error("two endpoints share a bucket")
	}
	if a, b := bucket("GET /v1/users/"+aUser), bucket("GET /v1/users/another"); a != b {
		t.Errorf("one endpoint has the buckets %q and %q", a, b)
	}
	row := func(op string) string {
		return bucketOf(t, c.classify(backendRequest(op)), "PATCH /v1/users/{user_id}")
	}
	if a, b := row("PATCH /v1/users/"+aUser), row("PUT /v1/users/"+aUser+"/metadata"); a != b {
		t.Errorf("one row has the buckets %q and %q", a, b)
	}
}

func TestHeadroomLeavesAtLeastOne(t *testing.T) {
	for _, tt := range []struct {
		n        int
		headroom float64
		want     int
	}{
		{1000, 0.9, 100}, {100, 0.2, 80}, {100, 0.07, 93}, {1000, 0.001, 999}, {10, 0.3, 7},
		{3, 0.5, 1}, {5, 0.5, 2}, {3, 0.1, 2}, {1, 0.99, 1}, {1, 0, 1}, {10, 0.95, 1}, {2, 0.9999999, 1},
		{1000, 0, 1000}, {math.MaxInt, 0, math.MaxInt}, {1000, math.SmallestNonzeroFloat64, 1000},
	} {
		if got := lessHeadroom(tt.n, tt.headroom); got != tt.want {
			t.Errorf("%d × (1 − %v) = %d, want %d", tt.n, tt.headroom, got, tt.want)
		}
	}
	for _, h := range []float64{0.01, 0.5, 0.99, math.Nextafter(1, 0)} {
		if got := lessHeadroom(math.MaxInt, h); got < 1 {
			t.Errorf("MaxInt × (1 − %v) = %d", h, got)
		}
	}
	c := newTestClassifier(t, WithHeadroom(0.5), WithLimit("GET /v1/users", 7, time.Minute))
	wantRows(t, c.classify(backendRequest("GET /v1/users")), "GET /v1/users 3/1m0s", "instance 50/10s")
	wantRows(t, c.classify(newRequest("PATCH", backendURL+"/v1/users/"+aUser, liveKey)), "PATCH /v1/users/{user_id} 5/10s", "instance 500/10s")
	wantRows(t, c.classify(frontendRequest("POST /v1/client/sign_ins")), "POST /v1/client/sign_ins 2/10s")
}
