package clerktest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
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
	operation
	method       string // of the request; HEAD where the endpoint's is GET
	params       []string
	instance     string // a name for the instance that gives no key away; "" without a key
	instanceType clerkthrottle.InstanceType
	address      string
}

// An operation is an endpoint of one of the two APIs, which share some paths.
type operation struct {
	frontend bool
	endpoint string // "METHOD /v1/path/{template}"
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
	apis map[bool]*operations.API // at true the Frontend API
	keys *config                  // for its instances
}

func newRouter(keys *config) *router {
	return &router{map[bool]*operations.API{
		false: operations.NewAPI(operations.Backend()), true: operations.NewAPI(operations.Frontend()),
	}, keys}
}

// operation makes an operation of a limit's row known, and returns what its calls
// are classified as. It belongs to the API that has it; if both have it, or
// neither, the row's scope tells.
func (r *router) operation(op string, scope clerkthrottle.Scope) operation {
	method, template, _ := strings.Cut(op, " ")
	_, inBackend := r.apis[false].Lookup(method, template)
	_, inFrontend := r.apis[true].Lookup(method, template)
	frontend := inFrontend
	if inBackend == inFrontend {
		frontend = scope == clerkthrottle.PerAddress
	}
	id, err := r.apis[frontend].Add(method, template)
	refuse(err != nil, "operation %q: %v", op, err)
	return operation{frontend, r.apis[frontend].Name(id)}
}

// classify says which operation of which API a request is, and who it counts for.
// A request for neither by its host or prefix is looked for in both, with a key in
// the Backend API first.
func (r *router) classify(req *http.Request, peer string) call {
	key := request.Bearer(req.Header)
	c := call{method: request.FrontendMethod(req), address: request.ClientAddress(req.Header, peer), instanceType: clerkthrottle.Development}
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
		api := r.apis[frontend]
		if id, ok := api.Find(method, path); ok {
			c.operation, c.params = operation{frontend, api.Name(id)}, api.Params(id, path)
			break
		}
	}
	if !c.frontend {
		c.instance, c.instanceType = r.keys.instance(key)
	}
	return c
}

// instance names the instance of a key, and tells its type.
func (c *config) instance(key string) (name string, of clerkthrottle.InstanceType) {
	if key == "" {
		return "", clerkthrottle.Development
	}
	key = cmp.Or(c.sameAs[key], key)
	switch of = c.instanceType; {
	case of != clerkthrottle.Auto:
	case strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "live_"):
		of = clerkthrottle.Production
	default:
		of = clerkthrottle.Development
	}
	sum := sha256.Sum256([]byte(key))
	return "instance " + hex.EncodeToString(sum[:6]), of
}

func isFrontend(host string) bool {
	return strings.HasPrefix(host, "clerk.") || strings.HasPrefix(host, "frontend-api.clerk.") ||
		strings.Contains(host, ".clerk.accounts.")
}
