package clerkthrottle

import (
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/internal/bounded"
	"github.com/clerkthrottle/clerkthrottle-go/internal/operations"
	"github.com/clerkthrottle/clerkthrottle-go/internal/route"
)

// api is one of Clerk's two APIs: its operations, and the row of the limit table that
// each draws on besides the instance's.
type api struct {
	*operations.API
	rows      []*Limit             // by route id; nil: none
	unlimited []bool               // by route id: draws on no row at all
	unknown   *bounded.Map[string] // names of unknown operations
}

// maxNames bounds the names of unknown operations. Clerk adds operations now and then,
// but hundreds of them are ids that look like words.
const maxNames = 256

func newAPI(known []operations.Operation) *api {
	a := operations.NewAPI(known)
	return &api{a, make([]*Limit, a.Len()), make([]bool, a.Len()), bounded.New(maxNames, strings.Clone, "")}
}

// add adds an operation, if it is new, and returns its route id. The template must be
// well formed: this module's own, or checked by parse.
func (a *api) add(method, template string) int {
	id, err := a.Add(method, template)
	if err != nil {
		panic(err)
	}
	if id == len(a.rows) {
		a.rows, a.unlimited = append(a.rows, nil), append(a.unlimited, false)
	}
	return id
}

// nameOf returns a name for an unknown operation. Past maxNames, all of a method share
// one.
func (a *api) nameOf(method, path string) string {
	if name := a.unknown.Get(method + " " + route.Fold(path)); name != "" {
		return name
	}
	return method + " /{other}"
}
