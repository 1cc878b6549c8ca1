package clerktest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/internal/operations"
)

// documentedFrontend lists the paths as the documentation of the limits spells
// them; no API description has them.
var documentedFrontend = []string{
	"POST /v1/sign_ins",
	"POST /v1/sign_ups",
	"POST /v1/sign_ins/attempt_first_factor",
	"POST /v1/sign_ins/attempt_second_factor",
	"POST /v1/sign_ups/attempt_verification",
}

// A router knows operations by net/http's pattern matching, on purpose not by
// the matching of the client under test.
type router struct {
	backend, frontend routes
	keys              *config // for its groups of keys and its instance type
}

type routes struct {
	mux   *http.ServeMux
	names map[string]string // mux pattern → endpoint
}

func newRouter(c *config, tables ...[]clerkthrottle.Limit) *router {
	r := known()
	if slices.ContainsFunc(slices.Concat(tables...), func(l clerkthrottle.Limit) bool {
		return slices.ContainsFunc(l.Operations, func(op string) bool { return !r.knows(op) })
	}) {
		r = build() // one of its own, to add to
	}
	r.keys = c
	for _, row := range slices.Concat(tables...) {
		for _, op := range row.Operations {
			r.add(op, row.Scope)
		}
	}
	return &r
}

// known is shared by all servers that need no other operations: building it
// costs a millisecond.
var known = sync.OnceValue(build)

func build() router {
	r := router{backend: newRoutes(), frontend: newRoutes()}
	for _, op := range operations.Backend() {
		r.backend.add(op.String())
	}
	for _, op := range operations.Frontend() {
		r.frontend.add(op.String())
	}
	for _, op := range documentedFrontend {
		r.frontend.add(op)
	}
	return r
}

func (r *router) knows(op string) bool {
	p := pattern(op)
	return r.backend.names[p] != "" || r.frontend.names[p] != ""
}

func newRoutes() routes {
	return routes{mux: http.NewServeMux(), names: map[string]string{}}
}

// An operation is an endpoint of one of the two APIs, which share some paths.
type operation struct {
	frontend bool
	endpoint string
}

// add makes a limit row's operation known, where it is not.
func (r *router) add(op string, scope clerkthrottle.Scope) {
	if r.isFrontend(op, scope) {
		r.frontend.add(op)
	} else {
		r.backend.add(op)
	}
}

// operation is what calls of a row's operation are classified as.
func (r *router) operation(op string, scope clerkthrottle.Scope) operation {
	if r.isFrontend(op, scope) {
		return operation{true, r.frontend.names[pattern(op)]}
	}
	return operation{false, r.backend.names[pattern(op)]}
}

// isFrontend goes by the API that has the operation; if both have it, or
// neither, by the row's scope.
func (r *router) isFrontend(op string, scope clerkthrottle.Scope) bool {
	p := pattern(op)
	_, inBackend := r.backend.names[p]
	_, inFrontend := r.frontend.names[p]
	if inBackend != inFrontend {
		return inFrontend
	}
	return scope == clerkthrottle.PerAddress
}

func (t routes) add(op string) {
	p := pattern(op)
	if _, ok := t.names[p]; ok {
		return
	}
	t.names[p] = op
	t.mux.Handle(p, http.NotFoundHandler()) // panics on a malformed operation
}

// pattern turns an operation into a ServeMux pattern: parameters are named by
// their place, so that the same template under other names is the same pattern.
func pattern(op string) string {
	method, template, ok := strings.Cut(op, " ")
	if !ok || method == "" || !strings.HasPrefix(template, "/") {
		panic(fmt.Sprintf(`clerktest: operation %q is not of the form "METHOD /path/{template}"`, op))
	}
	segments := strings.Split(template, "/")
	for i, s := range segments {
		if strings.Contains(s, "{") {
			segments[i] = fmt.Sprintf("{p%d}", i)
		}
	}
	return method + " " + strings.Join(segments, "/")
}

// match finds the operation of a method and an escaped, clean path.
func (t routes) match(method, escaped string) (endpoint string, params []string, ok bool) {
	plain, err := url.PathUnescape(escaped)
	if err != nil {
		return "", nil, false
	}
	_, p := t.mux.Handler(&http.Request{Method: method, URL: &url.URL{Path: plain, RawPath: escaped}})
	name, ok := t.names[p]
	if !ok {
		return "", nil, false
	}
	_, template, _ := strings.Cut(p, " ")
	given := strings.Split(escaped, "/")
	for i, s := range strings.Split(template, "/") {
		if strings.HasPrefix(s, "{") && i < len(given) {
			v, _ := url.PathUnescape(given[i])
			params = append(params, v)
		}
	}
	return name, params, true
}

// find tries the path as it is and with the /v1 that some callers leave out.
func (t routes) find(method, escaped string) (string, []string, bool) {
	if name, params, ok := t.match(method, escaped); ok {
		return name, params, true
	}
	if v := withVersion(escaped); v != escaped {
		return t.match(method, v)
	}
	return "", nil, false
}
