package clerktest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/internal/operations"
	"github.com/clerkthrottle/clerkthrottle-go/internal/request"
	"github.com/clerkthrottle/clerkthrottle-go/internal/route"
)

const jwks = "GET /v1/jwks"

// A call is a request as the server understands it.
type call struct {
	operation         // endpoint is "METHOD /v1/path/{template}"
	method     string // of the request; HEAD where the endpoint's is GET
	params     []string
	production bool
	instance   string // a name for the instance that gives no key away; "" without a key
	address    string
}

// An operation is an endpoint of one of the two APIs, which share some paths.
type operation struct {
	frontend bool
	endpoint string
}

// key names the endpoint and whom a block of it holds for.
func (c *call) key() string {
	if c.frontend {
		return c.endpoint + "\x00address " + c.address
	}
	return c.endpoint + "\x00" + c.instance
}

// A router knows the operations of the two APIs. It reads requests as the client
// under test does; the tests hold it against net/http's matching.
type router struct {
	backend, frontend *operations.API
	keys              *config // for its instances
}

func newRouter(keys *config) *router {
	return &router{operations.NewAPI(operations.Backend()), operations.NewAPI(operations.Frontend()), keys}
}

func (r *router) api(frontend bool) *operations.API {
	if frontend {
		return r.frontend
	}
	return r.backend
}

// add makes an operation known, and returns what its calls are classified as.
func (r *router) add(frontend bool, method, template string) operation {
	api := r.api(frontend)
	id, err := api.Add(method, template)
	refuse(err != nil, `operation "%s %s": %v`, method, template, err)
	return operation{frontend, api.Name(id)}
}

// operation is what calls of a limit row's operation are classified as. It is one
// of the API that has it; if both have it, or neither, the row's scope tells.
func (r *router) operation(op string, scope clerkthrottle.Scope) operation {
	method, template, _ := strings.Cut(op, " ")
	_, inBackend := r.backend.Lookup(method, template)
	_, inFrontend := r.frontend.Lookup(method, template)
	frontend := inFrontend
	if inBackend == inFrontend {
		frontend = scope == clerkthrottle.PerAddress
	}
	return r.add(frontend, method, template)
}

// classify says which operation of which API a request is, and who it counts for.
// A request for neither by its host or prefix is looked for in both, with a key in
// the Backend API first.
func (r *router) classify(req *http.Request, peer string) call {
	key := request.Bearer(req.Header)
	c := call{method: request.FrontendMethod(req), address: request.ClientAddress(req.Header, peer)}
	path := request.Path(req.URL)
	if rest, ok := strings.CutPrefix(path, request.ProxyPrefix); ok {
		path, c.frontend = "/"+rest, true
	}
	c.frontend = c.frontend || isFrontend(cmp.Or(req.Host, req.URL.Host))
	c.endpoint = c.method + " " + route.Fold(request.Versioned(path))
	apis, method := []bool{true}, c.method
	if !c.frontend {
		apis = []bool{key == "", key != ""}
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, frontend := range apis {
		if id, ok := r.api(frontend).Find(method, path); ok {
			c.operation = operation{frontend, r.api(frontend).Name(id)}
			c.params = r.api(frontend).Params(id, path)
			break
		}
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
	production = strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "live_")
	if c.instanceType != clerkthrottle.Auto {
		production = c.instanceType == clerkthrottle.Production
	}
	return "instance " + hex.EncodeToString(sum[:6]), production
}

// hostOf takes the port off the address of a connection.
func hostOf(peer string) string {
	if host, _, err := net.SplitHostPort(peer); err == nil {
		return host
	}
	return peer
}

func isFrontend(host string) bool {
	return strings.HasPrefix(host, "clerk.") || strings.HasPrefix(host, "frontend-api.clerk.") ||
		strings.Contains(host, ".clerk.accounts.")
}
