// Package registry is a map that evicts idle keys as new ones are added. A key is idle
// if a new value would behave like its own.
//
// Each addition checks two older keys, at a hand that goes round the entries as in the
// CLOCK algorithm, and evicts those that are idle. So every call does constant work,
// and a key in use is never evicted, however many there are.
//
// Size: new keys go behind the hand, so a round checks once each of the E keys that
// were there when it began. If B of them are in use, it evicts E−B while E/2 are added,
// and E/2 + B remain. Over the rounds that tends to 2B, and within a round it exceeds
// the start by at most B/2. So the registry holds about twice as many keys as a round
// finds in use, and at most two and a half times; the excess left by a peak halves every
// round.
//
// It is not safe for concurrent use: the caller holds a lock around every call.
package registry

import (
	"iter"
	"time"
)

// sweepSteps is how many older entries each addition checks. With one, a round would
// add as many keys as it checks, and the registry would never shrink.
const sweepSteps = 2

// Registry maps keys to values of type T. Use [New].
type Registry[T any] struct {
	idle    func(T, time.Duration) bool
	byKey   map[string]int // index in entries
	entries []entry[T]
	hand    int // the entries before it were checked or added in this round
}

type entry[T any] struct {
	key   string
	value T
}

// New returns an empty registry. The function reports whether a value can be evicted
// now: it is not in use, and a new one would be equal. A value for which it returns true
// is evicted.
func New[T any](idle func(v T, now time.Duration) bool) Registry[T] {
	return Registry[T]{idle: idle, byKey: make(map[string]int)}
}

// Get returns the value of a key.
func (r *Registry[T]) Get(key string) (v T, ok bool) {
	i, ok := r.byKey[key]
	if !ok {
		return v, false
	}
	return r.entries[i].value, true
}

// Add stores the value of a key that is not there yet, and evicts up to two idle keys.
func (r *Registry[T]) Add(key string, v T, now time.Duration) {
	r.sweep(now)
	r.insert(key, v)
}

// AddWithin is like Add, but stores nothing and returns false if that would make more
// than limit keys.
func (r *Registry[T]) AddWithin(limit int, key string, v T, now time.Duration) bool {
	r.sweep(now)
	if len(r.entries) >= limit {
		return false
	}
	r.insert(key, v)
	return true
}

// sweep advances the hand and evicts what it finds idle.
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
	// The new key goes to the hand, and the unchecked key that was there goes to the
	// end. At the end, the new key would fill the next gap at the hand: as it is in
	// use, each sweep would stop after one eviction, and old keys would pile up without
	// bound.
	last := len(r.entries)
	r.entries = append(r.entries, entry[T]{key, v})
	r.entries[r.hand], r.entries[last] = r.entries[last], r.entries[r.hand]
	r.byKey[r.entries[last].key] = last
	r.byKey[key] = r.hand
	r.hand++
}

// evict removes entry i, which is not before the hand. The last entry, also unchecked,
// fills the gap.
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

// All yields every key and its value, in no particular order.
func (r *Registry[T]) All() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, e := range r.entries {
			if !yield(e.key, e.value) {
				return
			}
		}
	}
}
