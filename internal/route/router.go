// Package route maps the method and path of a request to a path template, so that
// "PATCH /v1/users/user_2abc" becomes "PATCH /v1/users/{user_id}".
//
// A [Router] holds the templates of an API and finds the one that a request matches.
// [Fold] makes a name for a path that matches none. Neither depends on the API.
package route

import (
	"errors"
	"fmt"
	"strings"
)

// Router maps a method and a path to a template. Add templates, then look requests up
// with Match. The zero Router is empty and ready to use. Its methods other than Add are
// safe for concurrent use, but not while Add runs.
//
// A template is a path such as "/v1/users/{user_id}/metadata". Each segment is static,
// matched byte for byte, or a param in braces, which matches any non-empty segment. A
// param may have a static suffix, as in "{connection_id}.xml". A template matches whole
// paths, never a prefix or suffix; one slash at the end, of the template or the path,
// makes no difference. Paths are compared as given: nothing is unescaped, and "." and
// ".." are segments like any other.
//
// If several templates match a path, the first segment in which they differ decides:
// static first, then params with a suffix, the longest first, and a plain param last.
// Each method has its own templates, so a static segment of GET does not hide a param of
// POST.
type Router struct {
	methods []methodTree
	names   []string // by id
}

// methodTree holds the templates of one method. An API has only a few methods: a slice
// is searched faster than a map.
type methodTree struct {
	method string
	root   *node
}

// Add adds a template for a method and returns its id, which Match returns for the
// requests that it matches. Ids count up from 0. Templates of one method that differ
// only in the names of their params are the same: Add returns the existing id.
//
// If the template is malformed, Add returns an error and adds nothing.
func (r *Router) Add(method, template string) (id int, err error) {
	if err := checkMethod(method); err != nil {
		return 0, err
	}
	segments, err := parseTemplate(template)
	if err != nil {
		return 0, fmt.Errorf("route: template %q: %w", template, err)
	}
	root := r.root(method)
	if root == nil {
		root = new(node)
		r.methods = append(r.methods, methodTree{method, root})
	}
	end := root
	for _, s := range segments {
		end = end.child(s)
	}
	if end.route == 0 {
		r.names = append(r.names, method+" "+canonical(template))
		end.route = len(r.names)
	}
	return end.route - 1, nil
}

// Match returns the id of the template that matches a method and path, and whether
// there is one. The method must be in upper case. Match does not allocate, and visits
// each node of the template tree at most once, whatever the path.
func (r *Router) Match(method, path string) (id int, ok bool) {
	root := r.root(method)
	if root == nil || path == "" || path[0] != '/' {
		return 0, false
	}
	route := root.route
	if rest := canonical(path)[1:]; rest != "" {
		route = root.find(rest)
	}
	return max(route-1, 0), route != 0
}

// Params returns the values of the template's params in a path, in order and without
// static suffixes. The path must match the template with that id.
func (r *Router) Params(id int, path string) (params []string) {
	_, template, _ := strings.Cut(r.Name(id), " ")
	segments, _ := parseTemplate(template)
	values := strings.Split(canonical(path)[1:], "/")
	for i, s := range segments {
		if s.param != "" {
			params = append(params, strings.TrimSuffix(values[i], s.static))
		}
	}
	return params
}

// Lookup returns the id of a template that was added, whatever the names of its params.
// The template must be well formed.
func (r *Router) Lookup(method, template string) (id int, ok bool) {
	id, ok = r.Match(method, template) // a param in braces is matched like any segment
	if !ok {
		return 0, false
	}
	for _, p := range r.Params(id, template) {
		ok = ok && strings.HasPrefix(p, "{") && strings.HasSuffix(p, "}")
	}
	return id, ok
}

// Name returns the method and template with that id, as in
// "PATCH /v1/users/{user_id}", in the spelling that was added first, or "" if there is
// none.
func (r *Router) Name(id int) string {
	if id < 0 || id >= len(r.names) {
		return ""
	}
	return r.names[id]
}

// Len returns the number of templates, which is the id of the next one.
func (r *Router) Len() int { return len(r.names) }

func (r *Router) root(method string) *node {
	for i := range r.methods {
		if r.methods[i].method == method {
			return r.methods[i].root
		}
	}
	return nil
}

// canonical removes one slash from the end of a path, except from "/" and "//": the
// slash of "//" ends an empty segment, which matches nothing.
func canonical(path string) string {
	if len(path) > 2 && path[len(path)-1] == '/' {
		return path[:len(path)-1]
	}
	return path
}

// methodChars are the characters of a token in RFC 9110, section 5.6.2, without
// lower-case letters: methods are case-sensitive, and APIs use upper case.
const methodChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"

func checkMethod(method string) error {
	if method == "" {
		return errors.New("route: no method")
	}
	for _, c := range method {
		if !strings.ContainsRune(methodChars, c) {
			return fmt.Errorf("route: method %q: %q is not allowed; methods are in upper case", method, c)
		}
	}
	return nil
}
