package main

import (
	"testing"
	"time"
)

// Strangers who make keys up find no room past the bound, and push nobody out
// who was heard of lately; who was not makes room.
func TestRecentKeepsThoseHeardOf(t *testing.T) {
	const most = 100
	r, now := newRecent[int, int](most, time.Minute), time.Now()
	get := func(key int) (int, bool) { return r.get(key, now, func() int { return key + 1000 }) }
	for i := range 20_000 {
		if v, ok := get(0); v != 1000 || !ok {
			t.Fatalf("the first: %d %v", v, ok)
		}
		if _, ok := get(i); ok != (i < most) {
			t.Fatalf("newcomer %d: %v", i, ok)
		}
	}
	now = now.Add(time.Minute + 1)
	for i := range most {
		if _, ok := get(-1 - i); !ok {
			t.Fatalf("newcomer %d, a minute later", i)
		}
	}
	if _, ok := get(0); ok || r.kept.Len() != most {
		t.Errorf("%v, %d are kept", ok, r.kept.Len())
	}
}
