// Package bounded maps names from untrusted input to values: a bounded number of names
// have their own, and all others share one.
package bounded

import "sync"

// Map holds a value for each of the first names that it is asked for, up to a limit. It
// evicts none: an attacker who could have a name evicted could reset what is counted for
// it. It is safe for concurrent use. Use [New].
type Map[V any] struct {
	limit    int
	value    func(name string) V
	overflow V

	mu    sync.RWMutex
	known map[string]V
}

// New returns an empty map with a limit on the number of names. It calls value once per
// name, with the map's lock held. All names beyond the limit have the value overflow.
func New[V any](limit int, value func(name string) V, overflow V) *Map[V] {
	return &Map[V]{limit: limit, value: value, overflow: overflow, known: make(map[string]V)}
}

// Get returns the value of a name.
func (m *Map[V]) Get(name string) V {
	m.mu.RLock()
	v, ok := m.known[name]
	full := len(m.known) >= m.limit
	m.mu.RUnlock()
	switch {
	case ok:
		return v
	case full:
		return m.overflow
	}
	return m.add(name)
}

// add checks again, with the lock held: the name may have been added, or the last place
// taken.
func (m *Map[V]) add(name string) V {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := m.known[name]; ok {
		return v
	}
	if len(m.known) >= m.limit {
		return m.overflow
	}
	v := m.value(name)
	m.known[name] = v
	return v
}

// Len returns how many names have their own value.
func (m *Map[V]) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.known)
}
