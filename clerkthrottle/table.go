package clerkthrottle

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/operations"
	"github.com/clerkthrottle/clerkthrottle-go/internal/request"
	"github.com/clerkthrottle/clerkthrottle-go/internal/route"
)

// table is the limit table of one throttle: Clerk's rows or the user's, with the user's
// overrides, less the headroom.
type table struct {
	backend, frontend *api
	instance          map[InstanceType]*Limit
	operations        []*Limit // the rows of operations
}

func newTable(cfg *config) (*table, error) {
	t := &table{
		backend:  newAPI(operations.Backend()),
		frontend: newAPI(operations.Frontend()),
		instance: map[InstanceType]*Limit{Development: &Limits(Development)[0], Production: &Limits(Production)[0]},
	}
	rows := operationLimits()
	if cfg.limits != nil {
		rows = cfg.limits
	}
	for i, l := range rows {
		if err := t.add(l); err != nil {
			return nil, fmt.Errorf("clerkthrottle: WithLimits: row %d: %w", i, err)
		}
	}
	for _, o := range cfg.overrides {
		if err := t.override(o); err != nil {
			return nil, fmt.Errorf("clerkthrottle: WithLimit(%q, %d, %s): %w", o.operation, o.n, o.window, err)
		}
	}
	for _, l := range append(t.operations, t.instance[Development], t.instance[Production]) {
		l.N = lessHeadroom(l.N, cfg.headroom)
	}
	for _, operation := range unlimited {
		method, template, _ := strings.Cut(operation, " ")
		t.backend.unlimited[t.backend.add(method, template)] = true
	}
	return t, nil
}

// add checks a row, sets its Name if it has none, and assigns its operations to it.
func (t *table) add(l Limit) error {
	if l.Name == "" {
		l.Name = append(l.Operations, InstanceLimit)[0]
	}
	switch {
	case l.N <= 0:
		return fmt.Errorf("%q: N is %d: must be positive", l.Name, l.N)
	case l.Window <= 0:
		return fmt.Errorf("%q: Window is %s: must be positive", l.Name, l.Window)
	case l.Scope < PerInstance || l.Scope > PerAddress:
		return fmt.Errorf("%q: Scope is %d: want PerInstance, PerResource or PerAddress", l.Name, int(l.Scope))
	case (l.Name == InstanceLimit) != (len(l.Operations) == 0), l.Name == InstanceLimit && l.Scope != PerInstance:
		return fmt.Errorf("%q: the row of this name, and no other, must have no operations and be PerInstance", InstanceLimit)
	case slices.ContainsFunc(t.operations, func(other *Limit) bool { return other.Name == l.Name }):
		return fmt.Errorf("%q: another row has this name", l.Name)
	case l.Name == InstanceLimit:
		t.resizeInstance(l.N, l.Window)
		return nil
	}
	for _, operation := range l.Operations {
		if err := t.assign(operation, &l); err != nil {
			return fmt.Errorf("operation %q: %w", operation, err)
		}
	}
	t.operations = append(t.operations, &l)
	return nil
}

// assign makes an operation draw on a row.
func (t *table) assign(operation string, l *Limit) error {
	method, template, err := t.parse(operation)
	if err != nil {
		return err
	}
	a, frontend := t.backend, t.isFrontend(method, template)
	if _, both := t.frontend.Lookup(method, template); l.Scope == PerAddress && (frontend || both) {
		a, frontend = t.frontend, true
	}
	switch {
	case frontend != (l.Scope == PerAddress):
		return errors.New("PerAddress is for the Frontend API alone, and all its rows are PerAddress")
	case l.Scope == PerResource && !strings.Contains(template, "{"):
		return errors.New("PerResource needs a {param} that identifies the resource")
	}
	id := a.add(method, template)
	if a.rows[id] != nil {
		return errors.New("another row has this operation")
	}
	a.rows[id] = l
	return nil
}

// override applies one WithLimit.
func (t *table) override(o override) error {
	if o.operation == InstanceLimit {
		t.resizeInstance(o.n, o.window)
		return nil
	}
	method, template, err := t.parse(o.operation)
	if err != nil {
		return err
	}
	for _, a := range []*api{t.backend, t.frontend} {
		if id, ok := a.Lookup(method, template); ok && a.rows[id] != nil {
			a.rows[id].N, a.rows[id].Window = o.n, o.window
			return nil
		}
	}
	scope := PerInstance
	if t.isFrontend(method, template) {
		scope = PerAddress
	}
	return t.add(row(o.n, o.window, scope, method+" "+template))
}

func (t *table) resizeInstance(n int, window time.Duration) {
	for _, l := range t.instance {
		l.N, l.Window = n, window
	}
}

// parse splits "METHOD /path/{template}" and adds a /v1 that was left out. A few
// Frontend API operations have none.
func (t *table) parse(operation string) (method, template string, err error) {
	method, template, ok := strings.Cut(operation, " ")
	if !ok || !strings.HasPrefix(template, "/") || !request.KnownMethod(method) {
		return "", "", fmt.Errorf("want %q or a method and a path template such as \"PATCH /v1/users/{user_id}\"", InstanceLimit)
	}
	if len(template) > 1 {
		template = strings.TrimSuffix(template, "/")
	}
	if _, err := new(route.Router).Add(method, template); err != nil {
		return "", "", err
	}
	if !request.Under("/v1", template) {
		_, backend := t.backend.Lookup(method, "/v1"+template)
		if _, frontend := t.frontend.Lookup(method, template); backend || !frontend {
			template = "/v1" + template
		}
	}
	return method, template, nil
}

// isFrontend reports whether an operation without a row belongs to the Frontend API:
// only if that API knows it and the Backend API does not, or if neither does and its
// path is one that browsers use.
func (t *table) isFrontend(method, template string) bool {
	_, backend := t.backend.Lookup(method, template)
	_, frontend := t.frontend.Lookup(method, template)
	return !backend && (frontend || isFrontendPath(template))
}

// lessHeadroom returns n less the headroom, at least 1. It rounds what it subtracts, not
// what remains: float64(math.MaxInt) overflows an int.
func lessHeadroom(n int, headroom float64) int {
	const rounding = 1e-9 // 0.07 × 100 is a little more than 7
	return max(1, n-int(math.Ceil(float64(n)*headroom-rounding)))
}
