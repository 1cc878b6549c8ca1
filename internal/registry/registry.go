// Package registry keeps per-key state without keeping all of it: what is idle,
// so that a fresh start would behave the same, is forgotten as new keys come.
//
// Every key that is added pays for a look at two older ones, found by a hand
// that goes round like a clock's. So no call does more than constant work, and
// the registry holds no more than about twice what is in use. What is not idle
// is never dropped, however many keys there are. Nothing here locks: the caller
// holds a lock around every call.
package registry

import (
	"iter"
	"time"
)

// looks is how many older entries each addition examines. With one, the hand
// would never catch up with a steady stream of new keys.
const looks = 2

// Registry maps keys to state of type T. Use [New].
type Registry[T any] struct {
	idle    func(T, time.Duration) bool
	byKey   map[string]int
	entries []entry[T]
	hand    int
}

type entry[T any] struct {
	key   string
	value T
}

// New returns an empty registry. The function tells whether a value may be
// forgotten at a given moment: nobody holds it, and a new one would be equal.
func New[T any](idle func(v T, now time.Duration) bool) Registry[T] {
	return Registry[T]{idle: idle, byKey: make(map[string]int)}
}

// Get returns the state of a key.
func (r *Registry[T]) Get(key string) (v T, ok bool) {
	i, ok := r.byKey[key]
	if !ok {
		return v, false
	}
	return r.entries[i].value, true
}

// Add stores the state of a key that is not there yet, and forgets up to two
// idle ones.
func (r *Registry[T]) Add(key string, v T, now time.Duration) {
	for range looks {
		if len(r.entries) == 0 {
			break
		}
		r.hand %= len(r.entries)
		if r.idle(r.entries[r.hand].value, now) {
			r.drop(r.hand) // the last entry takes the place: the hand stays
		} else {
			r.hand++
		}
	}
	r.byKey[key] = len(r.entries)
	r.entries = append(r.entries, entry[T]{key, v})
}

func (r *Registry[T]) drop(i int) {
	last := len(r.entries) - 1
	delete(r.byKey, r.entries[i].key)
	if i != last {
		r.entries[i] = r.entries[last]
		r.byKey[r.entries[i].key] = i
	}
	r.entries[last] = entry[T]{}
	r.entries = r.entries[:last]
}

// Len returns the number of keys.
func (r *Registry[T]) Len() int { return len(r.entries) }

// All yields every key and its state, in no particular order.
func (r *Registry[T]) All() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, e := range r.entries {
			if !yield(e.key, e.value) {
				return
			}
		}
	}
}
