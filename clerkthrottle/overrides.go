package clerkthrottle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/route"
)

// replace takes the rows of WithLimits, and returns those of operations.
func (t *table) replace(given []Limit) (rows []Limit, err error) {
	names, operations := map[string]bool{}, map[string]bool{}
	for i, l := range given {
		if err := t.complete(&l); err != nil {
			return nil, fmt.Errorf("clerkthrottle: WithLimits: row %d: %w", i, err)
		}
		for _, operation := range l.Operations {
			if operations[shape(operation)] {
				return nil, fmt.Errorf("clerkthrottle: WithLimits: row %d: operation %q has a row already", i, operation)
			}
			operations[shape(operation)] = true
		}
		if names[l.Name] {
			return nil, fmt.Errorf("clerkthrottle: WithLimits: row %d: the name %q is taken", i, l.Name)
		}
		names[l.Name] = true
		if l.Name == InstanceLimit {
			t.resizeInstance(l.N, l.Window)
		} else {
			rows = append(rows, l)
		}
	}
	return rows, nil
}

// complete checks a row of the user's, and fills in what it may leave out.
func (t *table) complete(l *Limit) error {
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
		return fmt.Errorf("%q: the row of that name, and no other, has no operations and is PerInstance", InstanceLimit)
	}
	l.Operations = slices.Clone(l.Operations)
	for i, operation := range l.Operations {
		method, template, err := t.operation(operation)
		if err != nil {
			return fmt.Errorf("operation %q: %w", operation, err)
		}
		switch frontend := t.isFrontend(method, template); {
		case frontend && l.Scope != PerAddress, !frontend && l.Scope == PerAddress && !t.frontend.has(method, template):
			return fmt.Errorf("operation %q: PerAddress is for the Frontend API, and everything there is PerAddress", operation)
		case l.Scope == PerResource && !strings.Contains(template, "{"):
			return fmt.Errorf("operation %q: PerResource, but no {param} names a resource", operation)
		}
		l.Operations[i] = method + " " + template
	}
	return nil
}

// override applies one WithLimit to the rows of operations, or to the
// instance's.
func (t *table) override(rows []Limit, o override) ([]Limit, error) {
	if o.operation == InstanceLimit {
		t.resizeInstance(o.n, o.window)
		return rows, nil
	}
	method, template, err := t.operation(o.operation)
	if err != nil {
		return nil, err
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

func (t *table) resizeInstance(n int, window time.Duration) {
	for _, l := range t.instance {
		l.N, l.Window = n, window
	}
}

// operation takes "METHOD /path/{template}" apart, and puts in the /v1 that some
// leave out; a few Frontend operations have none.
func (t *table) operation(operation string) (method, template string, err error) {
	method, template, ok := strings.Cut(operation, " ")
	if !ok || !strings.HasPrefix(template, "/") || !knownMethod(method) {
		return "", "", fmt.Errorf("want %q or a method and a path template such as \"PATCH /v1/users/{user_id}\"", InstanceLimit)
	}
	if len(template) > 1 {
		template = strings.TrimSuffix(template, "/")
	}
	if _, err := new(route.Router).Add(method, template); err != nil {
		return "", "", err
	}
	if !under("/v1", template) && (t.backend.has(method, "/v1"+template) || !t.frontend.has(method, template)) {
		template = "/v1" + template
	}
	return method, template, nil
}
