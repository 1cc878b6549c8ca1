package clerkthrottle

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/internal/bounded"
	"github.com/clerkthrottle/clerkthrottle-go/internal/operations"
	"github.com/clerkthrottle/clerkthrottle-go/internal/route"
)

// table is the limit table as one throttle applies it: Clerk's rows or the
// user's, the user's overrides, and the headroom taken off.
type table struct {
	backend, frontend *api
	instance          map[InstanceType]*Limit
}

func newTable(cfg *config) (*table, error) {
	t := &table{instance: map[InstanceType]*Limit{}}
	var err error
	if t.backend, err = newAPI(operations.Backend()); err != nil {
		return nil, err
	}
	if t.frontend, err = newAPI(operations.Frontend()); err != nil {
		return nil, err
	}
	for _, kind := range []InstanceType{Development, Production} {
		t.instance[kind] = &Limits(kind)[0]
	}
	rows := operationLimits()
	if cfg.limits != nil {
		if rows, err = t.replace(cfg.limits); err != nil {
			return nil, err
		}
	}
	for _, o := range cfg.overrides {
		if rows, err = t.override(rows, o); err != nil {
			return nil, fmt.Errorf("clerkthrottle: WithLimit(%q, %d, %s): %w", o.operation, o.n, o.window, err)
		}
	}
	for i := range rows {
		rows[i].N = less(rows[i].N, cfg.headroom)
		if err := t.apiOf(&rows[i]).limit(&rows[i]); err != nil {
			return nil, err
		}
	}
	for _, l := range t.instance {
		l.N = less(l.N, cfg.headroom)
	}
	for _, operation := range unlimited {
		method, template, _ := strings.Cut(operation, " ")
		id, err := t.backend.add(method, template)
		if err != nil {
			return nil, err
		}
		t.backend.unlimited[id] = true
	}
	return t, nil
}

// isFrontend tells for an operation without a row to which API it belongs.
func (t *table) isFrontend(method, template string) bool {
	switch {
	case t.backend.has(method, template):
		return false
	case t.frontend.has(method, template):
		return true
	default:
		return isFrontendPath(template)
	}
}

func (t *table) apiOf(l *Limit) *api {
	if l.Scope == PerAddress {
		return t.frontend
	}
	return t.backend
}

// less takes the headroom off a limit; one request always remains. It rounds
// what is taken off, not what remains: float64(math.MaxInt) is no int.
func less(n int, headroom float64) int {
	const rounding = 1e-9 // 0.07 × 100 is a little more than 7
	return max(1, n-int(math.Ceil(float64(n)*headroom-rounding)))
}

// api is one of Clerk's two APIs: its operations, and the rows of the limit
// table that each of them draws on besides the instance's.
type api struct {
	router    route.Router
	rows      [][]*Limit           // by route id, the most private first
	unlimited []bool               // by route id: draws on no row at all
	others    *bounded.Map[string] // names made up for requests that follow no known operation
}

// maxNames bounds how many names are made up. Clerk adds operations now and
// then; hundreds of unknown ones are a caller's ids that look like words.
const maxNames = 256

func newAPI(known []operations.Operation) (*api, error) {
	a := &api{others: bounded.New(maxNames, strings.Clone, "")}
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

// limit makes the operations of a row draw on it.
func (a *api) limit(l *Limit) error {
	for _, operation := range l.Operations {
		method, template, _ := strings.Cut(operation, " ")
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

// has reports whether an operation is known.
func (a *api) has(method, template string) bool {
	m, ok := a.router.Match(method, template) // a {param} is as good a segment as any
	return ok && shape(a.router.Name(m.ID)) == shape(method+" "+template)
}

// matchEither finds the operation of a path whose /v1 may have been left out.
func (a *api) matchEither(method, path string) (m route.Match, ok bool) {
	if m, ok = a.router.Match(method, path); !ok && !under("/v1", path) {
		m, ok = a.router.Match(method, "/v1"+path)
	}
	return m, ok
}

// nameOf makes a name for a request that follows no known operation. Past the
// bound, all further ones of a method share one.
func (a *api) nameOf(method, path string) string {
	if name := a.others.Get(method + " " + route.Fold(path)); name != "" {
		return name
	}
	return method + " /{other}"
}

var braced = regexp.MustCompile(`\{[^{}/]*\}`)

// shape is an operation without the names of its params.
func shape(operation string) string { return braced.ReplaceAllString(operation, "{}") }
