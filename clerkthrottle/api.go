package clerkthrottle

import (
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/internal/bounded"
	"github.com/clerkthrottle/clerkthrottle-go/internal/operations"
	"github.com/clerkthrottle/clerkthrottle-go/internal/route"
)

// api is one of Clerk's two APIs: its operations, and the row of the limit table
// that each of them draws on besides the instance's.
type api struct {
	*operations.API
	rows      []*Limit             // by route id; nil: none
	unlimited []bool               // by route id: draws on no row at all
	unknown   *bounded.Map[string] // names made up for requests that follow no known operation
}

// maxNames bounds how many names are made up. Clerk adds operations now and
// then; hundreds of unknown ones are a caller's ids that look like words.
const maxNames = 256

func newAPI(known []operations.Operation) *api {
	a := operations.NewAPI(known)
	return &api{a, make([]*Limit, a.Len()), make([]bool, a.Len()), bounded.New(maxNames, strings.Clone, "")}
}

// add makes an operation known and returns its route id. Its template is well
// formed: it is this module's own, or parse has been over it.
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

// nameOf makes a name for a request that follows no known operation. Past the
// bound, all further ones of a method share one.
func (a *api) nameOf(method, path string) string {
	if name := a.unknown.Get(method + " " + route.Fold(path)); name != "" {
		return name
	}
	return method + " /{other}"
}
