package clerkthrottle

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/clerkthrottle/clerkthrottle-go/internal/route"
)

// folded is what the name of an unknown path may look like.
var folded = regexp.MustCompile(`^([A-Z]+) /(\{other\}|((\{id\}|\{rest\}|[a-z][a-z0-9._-]*|[._-]+[a-z][a-z0-9._-]*)(/|$))*)$`)

// Whatever a request looks like, classifying it does not panic, and its endpoint
// has one of few names: a template's, or a short folded one.
func FuzzClassify(f *testing.F) {
	for _, path := range []string{
		"/v1/users/" + aUser, "/v1/users/a%2Fb", "//v1//users", "/__clerk/v1/client/sign_ins", "/users/../jwks",
		"/v1/", "", "/", "*", "/v1/saml/metadata/x.xml", "/v1/users/\xff\xfe", "/v1/" + strings.Repeat("a/", 100),
	} {
		f.Add("GET", "api.clerk.com", path, "", "_method=PATCH", "Bearer "+devKey, "203.0.113.7")
		f.Add("POST", "clerk.example.com", "", path, "_method=%zz", "", "[::1]:80, x")
	}
	known := map[string]bool{}
	for _, op := range append(backendList(), frontendList()...) {
		known[op] = true
	}
	for _, l := range Limits(Auto) {
		for _, op := range l.Operations {
			known[op] = true
		}
	}
	c := newTestClassifier(f)
	f.Fuzz(func(t *testing.T, method, host, path, rawPath, query, authorization, forwarded string) {
		r := &http.Request{
			Method: method,
			URL:    &url.URL{Scheme: "https", Host: host, Path: path, RawPath: rawPath, RawQuery: query},
			Header: http.Header{"Authorization": {authorization}, "X-Forwarded-For": {forwarded}},
		}
		claim := c.classify(r)
		if claim == nil {
			return
		}
		if !known[claim.Endpoint] && (!folded.MatchString(claim.Endpoint) || len(claim.Endpoint) > len("CONNECT ")+route.MaxFold) {
			t.Errorf("%q: endpoint %q is no template and no folded path", path, claim.Endpoint)
		}
		if again := c.classify(r); again.Endpoint != claim.Endpoint || again.Key != claim.Key || len(again.Limits) != len(claim.Limits) {
			t.Errorf("%+v, then %+v", claim, again)
		}
		if key := bearer(r.Header); len(key) > 16 && strings.Contains(claim.Key, key) && !strings.Contains(host+forwarded, key) {
			t.Errorf("the key is in the gate's key %q", claim.Key)
		}
		if n := c.instances.byKey.Len(); n > maxInstances {
			t.Errorf("%d instances are kept", n)
		}
	})
}

// The name of an operation does not depend on whom it concerns.
func FuzzOperationNameDependsOnTheID(f *testing.F) {
	for _, id := range ids {
		f.Add(uint(0), id)
	}
	f.Add(uint(34), "user_2NNEqL2nrIRdJ194ndJqAHwEfxC/")
	all := backendList()
	statics := map[string]bool{}
	for _, op := range all {
		for seg := range strings.SplitSeq(op, "/") {
			statics[seg] = true
		}
	}
	c := newTestClassifier(f)
	f.Fuzz(func(t *testing.T, n uint, id string) {
		if id == "" || statics[id] || id == "v1" || !utf8.ValidString(id) {
			return // not an id, or one that stands for another operation
		}
		op := all[n%uint(len(all))]
		method, path, _ := strings.Cut(op, " ")
		plain := braced.ReplaceAllLiteralString(path, id)
		escaped := braced.ReplaceAllLiteralString(path, url.PathEscape(id))
		u := &url.URL{Scheme: "https", Host: "api.clerk.com", Path: plain, RawPath: escaped}
		claim := c.classify(&http.Request{Method: method, URL: u, Header: http.Header{"Authorization": {"Bearer " + devKey}}})
		wantEndpoint(t, claim, op)
		if strings.Contains(claim.Key, id) && len(id) > 20 {
			t.Errorf("gate %q depends on the id %q", claim.Key, id)
		}
	})
}
