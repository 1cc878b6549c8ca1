package clerkthrottle

import (
	"fmt"
	"math"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/internal/operations"
)

// table is the limit table as one throttle applies it: Clerk's rows, the user's
// overrides, and the headroom taken off.
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
	for _, o := range cfg.overrides {
		if rows, err = t.override(rows, o); err != nil {
			return nil, fmt.Errorf("clerkthrottle: WithLimit: %w", err)
		}
	}
	for i := range rows {
		if err := t.apiOf(&rows[i]).limit(&rows[i]); err != nil {
			return nil, err
		}
		rows[i].N = less(rows[i].N, cfg.headroom)
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

// override applies one WithLimit to the rows of operations, or to the
// instance's.
func (t *table) override(rows []Limit, o override) ([]Limit, error) {
	if o.operation == InstanceLimit {
		for _, l := range t.instance {
			l.N, l.Window = o.n, o.window
		}
		return rows, nil
	}
	method, template, err := splitOperation(o.operation)
	if err != nil {
		return nil, err
	}
	if !under("/v1", template) && (t.backend.has(method, "/v1"+template) || !t.frontend.has(method, template)) {
		template = "/v1" + template // some leave it out; a few Frontend operations have none
	}
	operation := method + " " + template
	for i := range rows {
		for _, known := range rows[i].Operations {
			if shape(known) == shape(operation) {
				rows[i].N, rows[i].Window = o.n, o.window
				return rows, nil
			}
		}
	}
	added := row(o.n, o.window, PerInstance, operation)
	if t.isFrontend(method, template) {
		added.Scope = PerAddress
	}
	return append(rows, added), nil
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
