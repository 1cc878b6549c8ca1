package clerkthrottle

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/clerkthrottle/clerkthrottle-go/internal/request"
	"github.com/clerkthrottle/clerkthrottle-go/internal/route"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
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
	c := newTestClassifier(f, WithHosts("0")) // most of what the fuzzer has found goes there
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
		if key := request.Bearer(r.Header); len(key) > 16 && strings.Contains(claim.Key, key) && !strings.Contains(host+forwarded, key) {
			t.Errorf("the key is in the gate's key %q", claim.Key)
		}
		for _, l := range append(claim.Limits, transport.Limit{Name: claim.Endpoint, Key: claim.Key}) {
			if len(l.Name)+len(l.Key) > 2048 || strings.ContainsFunc(l.Name+l.Key, notShown) {
				t.Errorf("limit %q with the key %q is too long, or cannot be shown", l.Name, l.Key)
			}
		}
	})
}

func notShown(r rune) bool { return r == utf8.RuneError || r != ' ' && !unicode.IsPrint(r) }

// Two resources have one bucket only if they are one, and no bucket of a single
// resource is that of an instance, whatever is in their ids.
func FuzzResourcesHaveBucketsApart(f *testing.F) {
	for _, id := range ids {
		f.Add(id, "a b")
	}
	f.Add("a\nb", "a\rb")
	f.Add(strings.Repeat("a", 200), strings.Repeat("a", 201))
	c := newTestClassifier(f)
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.Contains(a+b, "%") {
			return // "a/b" stays "a%2Fb", and shares the bucket of a resource that is called so
		}
		bucket := func(id string) string {
			u := &url.URL{Scheme: "https", Host: "api.clerk.com", Path: "/v1/users/" + id, RawPath: "/v1/users/" + url.PathEscape(id)}
			claim := c.classify(&http.Request{Method: "PATCH", URL: u, Header: http.Header{"Authorization": {"Bearer " + devKey}}})
			if claim.Endpoint != "PATCH /v1/users/{user_id}" {
				t.Skip("not an id")
			}
			return claim.Limits[0].Key
		}
		if one, two := bucket(a), bucket(b); (one == two) != (a == b) {
			t.Errorf("%q has the bucket %q, %q has %q", a, one, b, two)
		}
		if k := bucket(a); k == instanceBucket(t, c, devKey) || strings.ContainsFunc(k, notShown) {
			t.Errorf("%q has the bucket %q", a, k)
		}
	})
}

// Two keys have one instance only if they are one.
func FuzzKeysHaveInstancesApart(f *testing.F) {
	f.Add(devKey, liveKey)
	f.Add("", "anonymous")
	f.Add("others", "sk_test_ ")
	f.Add("test_\x00", "\xff")
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.TrimSpace(a), strings.TrimSpace(b)
		if len(a) > maxKeyLength || len(b) > maxKeyLength {
			return
		}
		s := newInstances(&config{}, 0)
		one, two := s.of(a).scope, s.of(b).scope
		if (one == two) != (a == b) {
			t.Errorf("%q is the instance %q, %q is %q", a, one, b, two)
		}
		if again := s.of(a).scope; again != one {
			t.Errorf("%q is the instance %q, then %q", a, one, again)
		}
		if strings.ContainsFunc(one, notShown) || len(a) > 16 && strings.Contains(one, a) {
			t.Errorf("%q is the instance %q", a, one)
		}
	})
}

// An operation that WithLimit takes is drawn on by the requests that follow it,
// under a name that can be shown.
func FuzzLimitedOperationIsDrawnOn(f *testing.F) {
	for _, op := range []string{"PATCH /v1/users/{id}", "GET /things/{a}.xml/{b}/", "GET /", "GET /v1", "POST /v1/client/x/{y}", "GET /v1/{a}/\x85/é", "GET /%2F"} {
		f.Add(op)
	}
	f.Fuzz(func(t *testing.T, operation string) {
		cfg, err := newConfig([]Option{WithLimit(operation, 7, time.Minute), WithLimit("instance", 8, time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		c, err := newClassifier(cfg)
		if err != nil || operation == InstanceLimit {
			return // refused
		}
		method, template, _ := strings.Cut(operation, " ")
		r := &http.Request{Method: method, Header: http.Header{"Authorization": {"Bearer " + devKey}}}
		r.URL = &url.URL{Scheme: "https", Host: "api.clerk.com", Path: braced.ReplaceAllLiteralString(template, "ID")}
		claim := c.classify(r)
		if !slices.ContainsFunc(claim.Limits, func(l transport.Limit) bool { return l.N == 7 }) {
			r.URL.Host = "x.clerk.accounts.dev"
			claim = c.classify(r)
		}
		if !slices.ContainsFunc(claim.Limits, func(l transport.Limit) bool { return l.N == 7 }) && !strings.Contains(template, "/v1/") {
			t.Errorf("%q: %+v does not draw on it", operation, claim)
		}
		if strings.ContainsFunc(claim.Endpoint, notShown) {
			t.Errorf("%q: endpoint %q cannot be shown", operation, claim.Endpoint)
		}
	})
}

// The name of an operation does not depend on whom it concerns.
func FuzzOperationNameDoesntDependOnTheID(f *testing.F) {
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
