package clerktest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"path"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
)

const (
	proxyPrefix = "/__clerk"
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

// classify says which operation of which API a request is, and who it counts for.
func (r *router) classify(req *http.Request, peer string) call {
	key := bearer(req.Header)
	c := call{method: method(req), address: address(req.Header, peer)}
	escaped := clean(req.URL.EscapedPath())
	if rest, ok := strings.CutPrefix(escaped, proxyPrefix); ok && (rest == "" || rest[0] == '/') {
		escaped, c.frontend = clean(rest), true
	}
	c.frontend = c.frontend || frontendHost(req)

	var known bool
	if !c.frontend && key != "" {
		c.endpoint, c.params, known = r.backend.find(c.method, escaped)
	}
	if !known {
		if c.endpoint, c.params, known = r.frontend.find(c.method, escaped); known {
			c.frontend = true
		}
	}
	if !known && !c.frontend {
		c.endpoint, c.params, known = r.backend.find(c.method, escaped)
	}
	if !known {
		c.endpoint = c.method + " " + fold(withVersion(escaped))
	}
	if !c.frontend {
		c.instance, c.production = r.instance(key)
	}
	return c
}

func (r *router) instance(key string) (name string, production bool) {
	if key == "" {
		return "", false
	}
	t := typeOfKey(key)
	if g, ok := r.keys.groups[key]; ok {
		name, t = fmt.Sprintf("instance %d", g+1), r.keys.groupTypes[g]
	} else {
		sum := sha256.Sum256([]byte(key))
		name = "instance " + hex.EncodeToString(sum[:6])
	}
	if r.keys.instanceType != clerkthrottle.Auto {
		t = r.keys.instanceType
	}
	return name, t == clerkthrottle.Production
}

// method is the request's, or the one that Clerk's browser library smuggles
// through a POST.
func method(req *http.Request) string {
	m := req.Method
	if m == "" {
		m = http.MethodGet
	}
	if m == http.MethodPost && strings.Contains(req.URL.RawQuery, "_method=") {
		if o := req.URL.Query().Get("_method"); o != "" {
			m = strings.ToUpper(o)
		}
	}
	return m
}

func clean(escaped string) string { return path.Clean("/" + escaped) }

func withVersion(escaped string) string {
	if escaped == "/v1" || strings.HasPrefix(escaped, "/v1/") || strings.HasPrefix(escaped, "/.well-known/") {
		return escaped
	}
	return clean("/v1" + escaped)
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

// fold keeps the endpoints of unknown paths few: a segment that looks like an
// identifier becomes {id}.
func fold(p string) string {
	segments := strings.Split(p, "/")
	if len(segments) > 10 {
		segments = append(segments[:10], "…")
	}
	for i, s := range segments {
		if s != "v1" && (len(s) > 32 || strings.ContainsAny(s, "0123456789%")) {
			segments[i] = "{id}"
		}
	}
	return strings.Join(segments, "/")
}
