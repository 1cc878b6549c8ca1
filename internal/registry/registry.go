// Package registry is a map that forgets: as new keys come, it drops the state of
// keys that are idle, for which a fresh start would behave the same.
//
// Every key that is added pays for a look at two older ones, found by a hand
// that goes round like a clock's and drops what it finds idle. So no call does
// more than constant work, and what is not idle is never dropped, however many
// keys there are.
//
// How much it holds: new keys go behind the hand, so a round looks once at each
// of the E keys that were there when it began. If it finds B of them in use, it
// drops E−B while E/2 new ones come: E/2 + B are left. Round after round that
// tends to 2B, and within a round it is never more than B/2 above the beginning.
// So the registry holds about twice what a round finds in use, at most two and a
// half times; what a peak left beyond that is halved by every round.
//
// Nothing here locks: the caller holds a lock around every call.
package registry

import (
	"iter"
	"time"
)

// looks is how many older entries each addition examines. With one, as many
// keys would come in a round as it looks at, and the registry would never shrink.
const sweepSteps = 2

// Registry maps keys to state of type T. Use [New].
type Registry[T any] struct {
	idle    func(T, time.Duration) bool
	byKey   map[string]int // where in entries a key is
	entries []entry[T]
	hand    int // the entries before it were looked at, or added, in this round
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
// others that are idle.
func (r *Registry[T]) Add(key string, v T, now time.Duration) {
	r.sweep(now)
	r.insert(key, v)
}

// AddWithin is Add with a bound on the number of keys: where there are that many,
// and neither of the two it looks at is idle, it stores nothing and reports false.
func (r *Registry[T]) AddWithin(most int, key string, v T, now time.Duration) bool {
	r.sweep(now)
	if len(r.entries) >= most {
		return false
	}
	r.insert(key, v)
	return true
}

// look moves the hand on, and forgets what it finds idle.
func (r *Registry[T]) sweep(now time.Duration) {
	for range sweepSteps {
		if len(r.entries) == 0 {
			break
		}
		if r.hand == len(r.entries) {
			r.hand = 0 // a new round
		}
		if r.idle(r.entries[r.hand].value, now) {
			r.evict(r.hand)
		} else {
			r.hand++
		}
	}
}

func (r *Registry[T]) insert(key string, v T) {
	// The new key takes the hand's place, and the one that was there, not yet
	// looked at, goes to the end. At the end, the new key would be the one that
	// fills the next gap at the hand: young and in use, it would end each
	// addition's looks after one drop, and old keys would pile up without bound.
	last := len(r.entries)
	r.entries = append(r.entries, entry[T]{key, v})
	r.entries[r.hand], r.entries[last] = r.entries[last], r.entries[r.hand]
	r.byKey[r.entries[last].key] = last
	r.byKey[key] = r.hand
	r.hand++
}

// drop forgets entry i, which is not before the hand. The last entry, not yet
// looked at either, fills the gap.
func (r *Registry[T]) evict(i int) {
	key, last := r.entries[i].key, len(r.entries)-1
	r.entries[i] = r.entries[last]
	r.byKey[r.entries[i].key] = i
	delete(r.byKey, key) // after that line, in case i is last
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
