// Package operations lists the operations of Clerk's two APIs, as of Clerk's public
// OpenAPI descriptions of 2026-05-12 (read on 2026-08-14).
package operations

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/clerkthrottle/clerkthrottle-go/internal/request"
	"github.com/clerkthrottle/clerkthrottle-go/internal/route"
)

var (
	//go:embed backend.txt
	backend string // its paths lack the /v1
	//go:embed frontend.txt
	frontend string
)

// Operation is a method and a path template, such as "PATCH" and
// "/v1/users/{user_id}".
type Operation struct{ Method, Template string }

// String returns the form "PATCH /v1/users/{user_id}".
func (o Operation) String() string { return o.Method + " " + o.Template }

// Backend returns the operations of the Backend API. The slice is shared: do not
// change it.
var Backend = sync.OnceValue(func() []Operation { return parse(backend, "/v1") })

// Frontend returns the operations of the Frontend API. The slice is shared: do not
// change it.
var Frontend = sync.OnceValue(func() []Operation { return parse(frontend, "") })

// parse reads a list. Each line is a method, a path and optional remarks.
func parse(list, prefix string) []Operation {
	var all []Operation
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) >= 2 && !strings.HasPrefix(line, "#") {
			all = append(all, Operation{fields[0], prefix + fields[1]})
		}
	}
	return all
}

// API matches requests to operations. More can be added.
type API struct{ route.Router }

// NewAPI returns an API with the given operations.
func NewAPI(known []Operation) *API {
	a := new(API)
	for _, op := range known {
		if _, err := a.Add(op.Method, op.Template); err != nil {
			panic(err) // the lists are this package's own
		}
	}
	return a
}

// Find returns the operation of a request. It also accepts a path without the /v1,
// which some callers leave out.
func (a *API) Find(method, path string) (id int, ok bool) {
	if id, ok = a.Match(method, path); !ok && !request.Under("/v1", path) {
		id, ok = a.Match(method, "/v1"+path)
	}
	return id, ok
}

// Params returns the path parameters of a path for which Find returned id.
func (a *API) Params(id int, path string) []string {
	if _, template, _ := strings.Cut(a.Name(id), " "); request.Under("/v1", template) {
		path = request.Versioned(path)
	}
	return a.Router.Params(id, path)
}
