package registry

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

// state is a value that is idle from a moment on.
type state struct {
	number  int
	idleAt  time.Duration
	dropped bool // the last that was said of it was that it is idle
}

const never = time.Duration(1 << 62)

// look is the idle function of the tests. Every value that it calls idle is
// dropped, so it may not be asked about it again.
func look(s *state, now time.Duration) bool {
	if s.dropped {
		panic("looked at a value that was dropped")
	}
	s.dropped = now >= s.idleAt
	return s.dropped
}

// same checks everything that a registry tells against what should be in it.
func same(t *testing.T, r *Registry[*state], model map[string]*state) {
	t.Helper()
	if r.Len() != len(model) || len(r.byKey) != len(model) {
		t.Fatalf("%d entries, %d keys, want %d", r.Len(), len(r.byKey), len(model))
	}
	seen := map[string]bool{}
	for k, v := range r.All() {
		if seen[k] || model[k] != v {
			t.Fatalf("%q is there twice, or with another's state", k)
		}
		seen[k] = true
	}
	for k, want := range model {
		if v, ok := r.Get(k); !ok || v != want {
			t.Fatalf("Get(%q) is %v, %v, want %v", k, v, ok, want)
		}
	}
}

func TestEmptyRegistryKnowsNothing(t *testing.T) {
	r := New(look)
	if v, ok := r.Get(""); v != nil || ok {
		t.Errorf("Get is %v, %v", v, ok)
	}
	same(t, &r, nil)
}

// Keys come and go at random, in use for a while each; the empty key is one of
// them.
func TestEveryKeyKeepsItsOwnStateWhileOthersAreDroppedAndMoved(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 4))
		r, model, now := New(look), map[string]*state{}, time.Duration(0)
		keys, life := 1+rng.IntN(60), 1+rng.IntN(60)
		for i := range 400 {
			now += time.Duration(rng.IntN(3))
			key := "key " + strconv.Itoa(rng.IntN(keys))
			if key == "key 0" {
				key = ""
			}
			s, ok := r.Get(key)
			if !ok {
				s = &state{number: i}
				r.Add(key, s, now)
				for k, v := range model {
					if v.dropped {
						delete(model, k)
					}
				}
				model[key] = s
			}
			s.idleAt = now + time.Duration(rng.IntN(life))
			same(t, &r, model)
		}
	}
}

func TestWhatIsInUseIsNeverDropped(t *testing.T) {
	r := New(look)
	used := map[string]*state{}
	for i := range 20_000 {
		s := &state{number: i}
		if i%7 == 0 {
			s.idleAt = never
			used[strconv.Itoa(i)] = s
		}
		r.Add(strconv.Itoa(i), s, 1)
	}
	for k, s := range used {
		if got, ok := r.Get(k); !ok || got != s {
			t.Fatalf("%s is in use, and gone", k)
		}
	}
}

// A value that is dropped between its Add and its first use would be lost to
// its holder.
func TestNewKeyIsNotDroppedByTheAdditionItself(t *testing.T) {
	r := New(look)
	for i := range 1000 {
		key := strconv.Itoa(i)
		r.Add(key, &state{number: i}, 1)
		if _, ok := r.Get(key); !ok {
			t.Fatalf("%s was dropped by its own addition", key)
		}
	}
	if r.Len() > 2 {
		t.Errorf("%d keys, and none was in use", r.Len())
	}
}

func TestAdditionLooksAtNoMoreThanTwo(t *testing.T) {
	for _, idleAt := range []time.Duration{0, never} {
		asked := 0
		r := New(func(s *state, now time.Duration) bool { asked++; return look(s, now) })
		for i := range 1000 {
			before := asked
			r.Add(strconv.Itoa(i), &state{idleAt: idleAt}, 1)
			if asked-before > sweepSteps {
				t.Fatalf("addition %d looked at %d", i, asked-before)
			}
		}
	}
}

// What is dropped must not be held by the slice behind the entries.
func TestDroppedValueIsLetGo(t *testing.T) {
	r := New(look)
	for i := range 100 {
		r.Add(strconv.Itoa(i), &state{idleAt: 1}, 0)
	}
	for i := range 100 {
		r.Add("later "+strconv.Itoa(i), &state{idleAt: 1}, 1)
	}
	for i, e := range r.entries[len(r.entries):cap(r.entries)] {
		if e.value != nil || e.key != "" {
			t.Fatalf("entry %d beyond the last still holds %q", i, e.key)
		}
	}
}

func TestAllStopsWhenToldTo(t *testing.T) {
	r := New(look)
	for i := range 5 {
		r.Add(strconv.Itoa(i), &state{idleAt: never}, 0)
	}
	var keys []string
	for k := range r.All() {
		if keys = append(keys, k); len(keys) == 2 {
			break
		}
	}
	if len(keys) != 2 || slices.Equal(keys[:1], keys[1:]) {
		t.Errorf("saw %v", keys)
	}
}

// FuzzRegistry: each byte is a key that is used, and for how long it stays so.
func FuzzRegistry(f *testing.F) {
	f.Add([]byte{0x10, 0x21, 0x32, 0x03, 0x04, 0x15, 0xff, 0x10})
	f.Add([]byte("many keys, few of which are used for long"))
	f.Fuzz(func(t *testing.T, events []byte) {
		r, model := New(look), map[string]*state{}
		for i, e := range events {
			now, key := time.Duration(i), fmt.Sprint(e&31)
			s, ok := r.Get(key)
			if ok != (model[key] != nil) || ok && s != model[key] {
				t.Fatalf("event %d: Get(%s) is %v, want %v", i, key, s, model[key])
			}
			if !ok {
				s = &state{number: i}
				r.Add(key, s, now)
				for k, v := range model {
					if v.dropped {
						delete(model, k)
					}
				}
				model[key] = s
			}
			s.idleAt = now + time.Duration(e>>5)*4
			same(t, &r, model)
		}
	})
}

func TestFullRegistryTakesNoMoreButMakesRoomOfIdleOnes(t *testing.T) {
	const most, busy = 100, 10 * time.Second
	r := New(func(until, now time.Duration) bool { return now >= until })
	for i := range 1000 {
		if added := r.AddWithin(most, strconv.Itoa(i), busy, 0); added != (i < most) {
			t.Fatalf("key %d: added %v", i, added)
		}
	}
	if _, ok := r.Get("0"); !ok || r.Len() != most {
		t.Fatalf("%d keys, the first there: %v", r.Len(), ok)
	}
	if !r.AddWithin(most, "late", busy, busy) || r.Len() > most {
		t.Errorf("%d keys, and no room although all are idle", r.Len())
	}
}
