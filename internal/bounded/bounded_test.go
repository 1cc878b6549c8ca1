package bounded

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

func TestNamesPastTheBoundShareOneValue(t *testing.T) {
	m := New(3, func(name string) string { return "of " + name }, "of all others")
	for range 2 {
		for i, want := range []string{"of 0", "of 1", "of 2", "of all others", "of all others"} {
			if got := m.Get(strconv.Itoa(i)); got != want {
				t.Errorf("name %d: %q, want %q", i, got, want)
			}
		}
	}
	if m.Len() != 3 {
		t.Errorf("%d names, want 3", m.Len())
	}
	if none := New(0, strconv.Quote, "other"); none.Get("a") != "other" {
		t.Error("a map of no names knows one")
	}
}

func TestEachNameHasOneValueWhoeverAsksAtOnce(t *testing.T) {
	const most, names = 100, 150
	var made atomic.Int32
	m := New(most, func(string) *int32 { n := made.Add(1); return &n }, new(int32))
	var wg sync.WaitGroup
	seen := make([][names]*int32, 8)
	for g := range seen {
		wg.Go(func() {
			for i := range names {
				seen[g][i] = m.Get(strconv.Itoa(i))
			}
		})
	}
	wg.Wait()
	if made.Load() != most || m.Len() != most {
		t.Errorf("%d values made for %d names, want %d", made.Load(), m.Len(), most)
	}
	for i := range names {
		last := m.Get(strconv.Itoa(i))
		for g := range seen {
			// A name is either known from the first look on or never.
			if seen[g][i] != last {
				t.Fatalf("name %d has two values", i)
			}
		}
	}
}
