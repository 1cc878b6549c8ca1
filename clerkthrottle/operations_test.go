package clerkthrottle

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/clerkthrottle/clerkthrottle-go/internal/operations"
)

// operationsOf lists operations as "METHOD /template".
func operationsOf(list []operations.Operation) []string {
	var all []string
	for _, op := range list {
		all = append(all, op.String())
	}
	return all
}

func backendList() []string  { return operationsOf(operations.Backend()) }
func frontendList() []string { return operationsOf(operations.Frontend()) }

// ids are what stands in for a param, escaped as in a URL.
var ids = []string{
	aUser, anOrg, aSignIn, aUUID,
	"idn_2NNEqL2nrIRdJ194ndJqAHwEfxC", "my-slug", "someone%40example.com", "first.last+tag@example.com",
	"42", "oauth_google", "a%2Fb", "%E2%82%AC", "-", "~", "Count", "{user_id}",
}

var braced = regexp.MustCompile(`\{[^{}/]*\}`)

// filled puts an id in the place of every param.
func filled(operation, id string) string { return braced.ReplaceAllLiteralString(operation, id) }

func TestListOfOperationsIsWhole(t *testing.T) {
	if n := len(backendList()); n != 249 {
		t.Errorf("%d Backend operations, want 249", n)
	}
	if n := len(frontendList()); n != 202 {
		t.Errorf("%d Frontend operations, want 202", n)
	}
}

func TestEveryOperationIsToldWhateverTheID(t *testing.T) {
	c := newTestClassifier(t)
	for _, id := range ids {
		for _, op := range backendList() {
			wantEndpoint(t, c.classify(backendRequest(filled(op, id))), op)
		}
		for _, op := range frontendList() {
			wantEndpoint(t, c.classify(frontendRequest(filled(op, id))), op)
		}
	}
}

// rowsByOperation is the table, turned over, for the tests below.
func rowsByOperation(scopes ...Scope) map[string]Limit {
	by := map[string]Limit{}
	for _, l := range Limits(Development) {
		for _, op := range l.Operations {
			if slices.Contains(scopes, l.Scope) {
				by[op] = l
			}
		}
	}
	return by
}

func TestBackendOperationDrawsOnItsRowAndTheInstances(t *testing.T) {
	c := newTestClassifier(t)
	rows := rowsByOperation(PerInstance, PerResource)
	scope := strings.TrimSuffix(instanceBucket(t, c, devKey), " instance")
	limited := 0
	for _, op := range backendList() {
		claim := c.classify(backendRequest(filled(op, aUser)))
		if want := scope + " " + op; claim.Key != want {
			t.Errorf("%s: gate %q, want %q", op, claim.Key, want)
		}
		if op == "GET /v1/jwks" {
			wantRows(t, claim)
			continue
		}
		row, ok := rows[op]
		if !ok {
			wantRows(t, claim, development)
			if claim.Rate != claim.Limits[0] {
				t.Errorf("%s: learns %v, want the instance's limit", op, claim.Rate)
			}
			continue
		}
		limited++
		wantRows(t, claim, row.Name+" "+sizeOf(row), development) // the private one first
		key := scope + " " + row.Name
		if row.Scope == PerResource {
			params := strings.Count(op, "{")
			key += " " + strings.TrimSuffix(strings.Repeat(aUser+"/", params), "/")
		}
		rate := claim.Limits[1] // all users share the endpoint; an hourly row is too slow to learn from
		if got := claim.Limits[0].Key; got != key {
			t.Errorf("%s: bucket %q, want %q", op, got, key)
		}
		if claim.Rate != rate {
			t.Errorf("%s: learns %v, want %v", op, claim.Rate, rate)
		}
	}
	if want := len(rows); limited != want {
		t.Errorf("%d operations with a row, want %d: the table names some that do not exist", limited, want)
	}
}

func TestFrontendOperationDrawsOnItsRow(t *testing.T) {
	c := newTestClassifier(t)
	rows := rowsByOperation(PerAddress)
	for _, op := range frontendList() {
		claim := c.classify(frontendRequest(filled(op, aUser)))
		if row, ok := rows[op]; ok {
			wantRows(t, claim, row.Name+" "+sizeOf(row))
		} else {
			wantRows(t, claim)
		}
		if claim.Rate.N != 0 {
			t.Errorf("%s: learns %v, want nothing: an address has one program", op, claim.Rate)
		}
	}
}

func sizeOf(l Limit) string { return fmt.Sprintf("%d/%s", l.N, l.Window) }

func TestJWKSDrawsOnNoLimit(t *testing.T) {
	c := newTestClassifier(t, WithHeadroom(0.5), WithLimit(InstanceLimit, 1, 1))
	for _, path := range []string{"/v1/jwks", "/jwks", "/v1/jwks/", "/v1/jwks?x=1"} {
		claim := c.classify(newRequest(http.MethodGet, backendURL+path, devKey))
		wantRows(t, claim)
		wantEndpoint(t, claim, "GET /v1/jwks")
		if claim.Key == "" {
			t.Errorf("%s: no gate: a 429 would not be honoured", path)
		}
	}
	wantRows(t, c.classify(newRequest(http.MethodPost, backendURL+"/v1/jwks", devKey)), "instance 1/1ns")
}
