package redisbudget

import (
	"iter"
	"maps"
	"time"
)

// kept maps keys to state, and forgets what is idle: whenever it has doubled, it
// is looked through. So it holds at most twice what was in use when it was last
// looked through, and an addition costs constant time on average.
type kept[T any] struct {
	idle  func(T, time.Duration) bool
	byKey map[string]T
	look  int // the size at which to look through it
}

// keptAtLeast is a size that is never worth a look.
const keptAtLeast = 64

func newKept[T any](idle func(T, time.Duration) bool) kept[T] {
	return kept[T]{idle: idle, byKey: make(map[string]T), look: keptAtLeast}
}

func (k *kept[T]) get(key string) (T, bool) {
	v, ok := k.byKey[key]
	return v, ok
}

// add stores the state of a key that is not there yet.
func (k *kept[T]) add(key string, v T, now time.Duration) {
	if len(k.byKey) >= k.look {
		maps.DeleteFunc(k.byKey, func(_ string, v T) bool { return k.idle(v, now) })
		k.look = max(2*len(k.byKey), keptAtLeast)
	}
	k.byKey[key] = v
}

func (k *kept[T]) len() int { return len(k.byKey) }

func (k *kept[T]) all() iter.Seq2[string, T] { return maps.All(k.byKey) }
