// Package bounded remembers what names mean, where strangers make the names up:
// so many of them, and one meaning for all the rest.
package bounded

import "sync"

// Map holds a value for each of the first so many names that it is asked for.
// It forgets none: whoever could have a name forgotten could have what is
// counted for it start anew. It is safe for concurrent use. Use [New].
type Map[V any] struct {
	limit    int
	value    func(name string) V
	overflow V

	mu    sync.RWMutex
	known map[string]V
}

// New returns an empty map of at most so many names. The function makes the
// value of a name, under the map's lock, once; other is the value of all
// further ones.
func New[V any](most int, value func(name string) V, other V) *Map[V] {
	return &Map[V]{limit: most, value: value, overflow: other, known: make(map[string]V)}
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

// add looks again: others may have added the name, or taken the last place.
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

// Len returns how many names are known.
func (m *Map[V]) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.known)
}
