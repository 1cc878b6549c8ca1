package clerktest

import (
	"net/http"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/internal/operations"
	"github.com/clerkthrottle/clerkthrottle-go/internal/route"
)

// A router knows the operations of the two APIs. It matches paths as the client
// under test does; the tests hold it against net/http's matching.
type router struct {
	backend, frontend route.Router
	keys              *config // for its instances
}

// An operation is an endpoint of one of the two APIs, which share some paths.
type operation struct {
	frontend bool
	endpoint string
}

func newRouter(keys *config) *router {
	r := &router{keys: keys}
	for _, op := range operations.Backend() {
		r.add(false, op.Method, op.Template)
	}
	for _, op := range operations.Frontend() {
		r.add(true, op.Method, op.Template)
	}
	return r
}

func (r *router) api(frontend bool) *route.Router {
	if frontend {
		return &r.frontend
	}
	return &r.backend
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
	_, inBackend := r.backend.Match(method, template) // a {param} is as good a segment as any
	_, inFrontend := r.frontend.Match(method, template)
	frontend := inFrontend
	if inBackend == inFrontend {
		frontend = scope == clerkthrottle.PerAddress
	}
	return r.add(frontend, method, template)
}

// find finds the operation of a request in one of the APIs, by its path or by
// that with the /v1 that some callers leave out.
func (r *router) find(frontend bool, method, path string) (op operation, params []string, ok bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	api := r.api(frontend)
	m, ok := api.Match(method, path)
	if !ok {
		if m, ok = api.Match(method, withVersion(path)); !ok {
			return operation{}, nil, false
		}
	}
	for i := range m.Len() {
		params = append(params, m.Param(i))
	}
	return operation{frontend, api.Name(m.ID)}, params, true
}
