package clerktest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/internal/route"
)

const (
	proxyPrefix = "/__clerk/"
	jwks        = "GET /v1/jwks"
)

// A call is a request as the server understands it.
type call struct {
	operation         // endpoint is "METHOD /v1/path/{template}"
	method     string // of the request; HEAD where the endpoint's is GET
	params     []string
	production bool
	instance   string // a name for the instance that gives no key away; "" without a key
	address    string
}

// owner is who a block of the call's endpoint holds for.
func (c *call) owner() string {
	if c.frontend {
		return "address " + c.address
	}
	return c.instance
}

// key names the endpoint and whom a block of it holds for.
func (c *call) key() string { return c.endpoint + "\x00" + c.owner() }

// classify says which operation of which API a request is, and who it counts for.
// A request for neither by its host or prefix is looked for in both, with a key in
// the Backend API first.
func (r *router) classify(req *http.Request, peer string) call {
	key := bearer(req.Header)
	c := call{method: method(req), address: address(req.Header, peer)}
	path := clean(req.URL)
	if rest, ok := strings.CutPrefix(path, proxyPrefix); ok {
		path, c.frontend = "/"+rest, true
	}
	c.frontend = c.frontend || frontendHost(req)
	apis := []bool{true}
	if !c.frontend {
		apis = []bool{key == "", key != ""}
	}
	for _, frontend := range apis {
		if op, params, ok := r.find(frontend, c.method, path); ok {
			c.operation, c.params = op, params
			break
		}
	}
	if c.endpoint == "" {
		c.endpoint = c.method + " " + route.Fold(withVersion(path))
	}
	if !c.frontend {
		c.instance, c.production = r.keys.instance(key)
	}
	return c
}

// instance names the instance of a key, and tells whether it is a production one.
func (c *config) instance(key string) (name string, production bool) {
	if key == "" {
		return "", false
	}
	key = cmp.Or(c.sameAs[key], key)
	sum := sha256.Sum256([]byte(key))
	return "instance " + hex.EncodeToString(sum[:6]), cmp.Or(c.instanceType, typeOfKey(key)) == clerkthrottle.Production
}

// method is the request's, or the one that Clerk's browser library smuggles
// through a POST.
func method(req *http.Request) string {
	if m := req.URL.Query().Get("_method"); m != "" && req.Method == http.MethodPost {
		return strings.ToUpper(m)
	}
	if req.Method == "" {
		return http.MethodGet
	}
	return req.Method
}

// clean returns the path without escapes, but for a slash that is part of a
// segment, and without the segments that lead nowhere.
func clean(u *url.URL) string {
	segments := strings.Split(path.Clean("/"+u.EscapedPath()), "/")
	for i, s := range segments {
		if plain, err := url.PathUnescape(s); err == nil && !strings.Contains(plain, "/") {
			segments[i] = plain
		}
	}
	return strings.Join(segments, "/")
}

func withVersion(path string) string {
	if path == "/v1" || strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/.well-known/") {
		return path
	}
	return "/v1" + path
}

func bearer(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

func address(h http.Header, peer string) string {
	first, _, _ := strings.Cut(h.Get("X-Forwarded-For"), ",")
	if first = strings.TrimSpace(first); first != "" {
		return first
	}
	if host, _, err := net.SplitHostPort(peer); err == nil {
		return host
	}
	return peer
}

func frontendHost(req *http.Request) bool {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	return strings.HasPrefix(host, "clerk.") || strings.HasPrefix(host, "frontend-api.clerk.") ||
		strings.Contains(host, ".clerk.accounts.")
}

func typeOfKey(key string) clerkthrottle.InstanceType {
	if strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "live_") {
		return clerkthrottle.Production
	}
	return clerkthrottle.Development
}
