package main

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// recent keeps something for each of a bounded number of keys that strangers can
// make up. Who was heard of within its memory stays: past the bound newcomers are
// turned away, and those who are kept go on as if nothing had happened.
type recent[K comparable, V any] struct {
	most   int
	memory time.Duration

	mu   sync.Mutex
	kept *simplelru.LRU[K, entry[V]]
}

type entry[V any] struct {
	value V
	last  time.Time
}

func newRecent[K comparable, V any](most int, memory time.Duration) *recent[K, V] {
	kept, err := simplelru.NewLRU[K, entry[V]](most, nil)
	if err != nil {
		panic(err) // most is not positive
	}
	return &recent[K, V]{most: most, memory: memory, kept: kept}
}

// get returns what is kept for a key, or a fresh value; and whether there is room
// for the key.
func (r *recent[K, V]) get(key K, now time.Time, fresh func() V) (value V, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, known := r.kept.Peek(key)
	if !known {
		if r.kept.Len() >= r.most {
			if _, oldest, _ := r.kept.GetOldest(); now.Sub(oldest.last) <= r.memory {
				return value, false
			}
		}
		e.value = fresh()
	}
	e.last = now
	r.kept.Add(key, e) // instead of the oldest, if need be
	return e.value, true
}
