// Package route names the requests of an HTTP API by what they do, not by whom
// they concern: it maps a method and a path to the path template that describes
// them, so that "PATCH /v1/users/user_2abc" becomes "PATCH /v1/users/{user_id}".
//
// A [Router] knows the templates of an API and finds the one that a request
// follows. [Fold] makes a name for a path that no template describes. Neither
// knows which API it serves.
package route

import (
	"errors"
	"fmt"
	"strings"
)

// Router maps a method and a path to the template that describes them.
//
// A template is a path such as "/v1/users/{user_id}/metadata". Each of its
// segments is static, matched byte for byte, or a param in braces, matched by
// any segment that is not empty. A param may be followed by a static suffix, as
// in "{connection_id}.xml". A template describes whole paths only, never a
// prefix or a suffix of one; a single slash at the end, of the template or of
// the path, makes no difference. Paths are compared as they are given: nothing
// is unescaped, and "." and ".." are segments like any other.
//
// Where several templates describe a path, the first segment in which they
// differ decides: static before param with a suffix, longer suffix before
// shorter, and a plain param last. Each method has templates of its own, so a
// static segment that exists for GET alone does not hide a param from POST.
//
// The zero Router is empty and ready to use. Match and Name may be called by
// many goroutines at once, but not while Add runs.
type Router struct {
	methods []methodTree
	names   []string // by id
}

// methodTree holds the templates of one method. An API has a handful of
// methods: a slice is searched faster than a map.
type methodTree struct {
	method string
	root   *node
}

// Add makes the router recognise requests with the method and a path that the
// template describes, and returns the id that Match returns for them. Ids count
// up from 0. A template of the same method that differs only in the names of
// its params is the same one: Add returns the id it has.
//
// A template that is not well formed is refused and leaves no trace.
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

// Match finds the template that describes the path of a request with the
// method, and returns its id. The method is compared byte for byte, so the caller
// puts it in upper case. It reports false if no template does.
//
// Match does not allocate, and looks at no node of the tree of templates twice,
// whatever the path.
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

// Params returns what stands in a path, which matches the template with that id, for
// each of the template's params, in its order and without any static suffix.
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

// Lookup returns the id of a template that was added, by whatever names of its
// params. The template is well formed.
func (r *Router) Lookup(method, template string) (id int, ok bool) {
	id, ok = r.Match(method, template) // a param in braces is as good a segment as any
	if !ok {
		return 0, false
	}
	for _, p := range r.Params(id, template) {
		ok = ok && strings.HasPrefix(p, "{") && strings.HasSuffix(p, "}")
	}
	return id, ok
}

// Name returns the method and the template with that id, as in
// "PATCH /v1/users/{user_id}", in the spelling that was added first. It returns
// "" if there is no such id.
func (r *Router) Name(id int) string {
	if id < 0 || id >= len(r.names) {
		return ""
	}
	return r.names[id]
}

// Len returns how many templates were added. It is the id of the next one.
func (r *Router) Len() int { return len(r.names) }

func (r *Router) root(method string) *node {
	for i := range r.methods {
		if r.methods[i].method == method {
			return r.methods[i].root
		}
	}
	return nil
}

// canonical removes one slash from the end of a path other than "/". In "//"
// the slash ends a segment, an empty one, which nothing matches.
func canonical(path string) string {
	if len(path) > 2 && path[len(path)-1] == '/' {
		return path[:len(path)-1]
	}
	return path
}

// methodChars are those of a token in RFC 9110, section 5.6.2, less the
// lower-case letters: methods are case-sensitive, and no API has one in them.
const methodChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"

func checkMethod(method string) error {
	if method == "" {
		return errors.New("route: no method")
	}
	for _, c := range method {
		if !strings.ContainsRune(methodChars, c) {
			return fmt.Errorf("route: method %q: %q is not allowed in a method, which is in upper case", method, c)
		}
	}
	return nil
}
