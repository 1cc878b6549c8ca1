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
	instance     string // its name, which does not reveal the key; "" without a key
	instanceType clerkthrottle.InstanceType
	address      string
}

// An operation is an endpoint of one of the two APIs, which share some paths.
type operation struct {
	frontend bool
	endpoint string // "METHOD /v1/path/{template}"
}

// key returns the key of the endpoint's block, which holds for one instance or
// address.
func (c *call) key() string {
	if c.frontend {
		return c.endpoint + "\x00address " + c.address
	}
	return c.endpoint + "\x00" + c.instance
}

// A router matches requests to the operations of the two APIs. It parses requests as
// the client under test does; the tests compare it with net/http's matching.
type router struct {
	apis map[bool]*operations.API // by whether it is the Frontend API
	keys *config                  // for the instances of keys
}

func newRouter(keys *config) *router {
	return &router{map[bool]*operations.API{
		false: operations.NewAPI(operations.Backend()), true: operations.NewAPI(operations.Frontend()),
	}, keys}
}

// operation adds an operation of a limit's row and returns how its calls are
// classified. It belongs to the API that has it; if both or neither do, the row's
// scope decides.
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

// classify returns a request's operation and who it counts for. If neither host nor
// prefix tells the API, both are tried, the Backend API first if there is a key.
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

// instance returns the name and type of a key's instance.
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
