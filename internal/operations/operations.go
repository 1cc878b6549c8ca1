// Package operations lists the operations of Clerk's two APIs, as Clerk's public
// OpenAPI descriptions of 2026-05-12 (read on 2026-08-14) have them.
package operations

import (
	_ "embed"
	"strings"
	"sync"
)

var (
	//go:embed backend.txt
	backend string // its paths stand there without /v1
	//go:embed frontend.txt
	frontend string
)

// Operation is a method and a path template, such as "PATCH" and
// "/v1/users/{user_id}".
type Operation struct{ Method, Template string }

// String returns the operation as in "PATCH /v1/users/{user_id}".
func (o Operation) String() string { return o.Method + " " + o.Template }

// Backend returns the operations of the Backend API. The slice is shared: it is
// not to be changed.
var Backend = sync.OnceValue(func() []Operation { return parse(backend, "/v1") })

// Frontend returns the operations of the Frontend API. The slice is shared: it is
// not to be changed.
var Frontend = sync.OnceValue(func() []Operation { return parse(frontend, "") })

// parse reads a list: a method, a path and what else there is to say, a line.
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
