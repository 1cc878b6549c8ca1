package clerkthrottle

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/internal/operations"
	"github.com/clerkthrottle/clerkthrottle-go/internal/route"
)

// api is one of Clerk's two APIs: its operations, and the rows of the limit
// table that each of them draws on besides the instance's.
type api struct {
	router    route.Router
	rows      [][]*Limit // by route id, the most private first
	unlimited []bool     // by route id: draws on no row at all
	others    names      // of requests that follow no known operation
}

func newAPI(known []operations.Operation) (*api, error) {
	a := &api{}
	for _, op := range known {
		if _, err := a.add(op.Method, op.Template); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// add makes an operation known and returns its route id.
func (a *api) add(method, template string) (int, error) {
	id, err := a.router.Add(method, template)
	if err != nil {
		return 0, err
	}
	if id == len(a.rows) {
		a.rows, a.unlimited = append(a.rows, nil), append(a.unlimited, false)
	}
	return id, nil
}

// has reports whether an operation is known.
func (a *api) has(method, template string) bool {
	m, ok := a.router.Match(method, template) // a {param} is as good a segment as any
	return ok && shape(a.router.Name(m.ID)) == shape(method+" "+template)
}

// limit makes the operations of a row draw on it.
func (a *api) limit(l *Limit) error {
	for _, operation := range l.Operations {
		method, template, err := splitOperation(operation)
		if err != nil {
			return err
		}
		id, err := a.add(method, template)
		if err != nil {
			return err
		}
		a.rows[id] = append(a.rows[id], l)
		// PerResource and PerAddress before PerInstance: see transport.Claim.
		slices.SortStableFunc(a.rows[id], func(x, y *Limit) int { return int(y.Scope) - int(x.Scope) })
	}
	return nil
}

// splitOperation takes "METHOD /path/{template}" apart.
func splitOperation(operation string) (method, template string, err error) {
	method, template, ok := strings.Cut(operation, " ")
	if !ok || !strings.HasPrefix(template, "/") || !knownMethod(method) {
		return "", "", fmt.Errorf("operation %q: want %q or a method and a path template such as \"PATCH /v1/users/{user_id}\"", operation, InstanceLimit)
	}
	if len(template) > 1 {
		template = strings.TrimSuffix(template, "/")
	}
	if _, err := new(route.Router).Add(method, template); err != nil {
		return "", "", fmt.Errorf("operation %q: %w", operation, err)
	}
	return method, template, nil
}

var braced = regexp.MustCompile(`\{[^{}/]*\}`)

// shape is an operation without the names of its params.
func shape(operation string) string { return braced.ReplaceAllString(operation, "{}") }

func knownMethod(m string) bool {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return true
	}
	return false
}
