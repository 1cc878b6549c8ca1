package bucket

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func moments(r *ring) []time.Duration {
	var all []time.Duration
	for i := range r.len() {
		all = append(all, r.at(i))
	}
	return all
}

func TestRingKeepsItsOrderWhileItGrowsAndTurns(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var r ring
		var model []time.Duration
		now, most := time.Duration(0), 1+rng.IntN(70)
		for range 500 {
			if len(model) < most && rng.IntN(3) > 0 {
				now += time.Duration(rng.IntN(3))
				r.push(now)
				model = append(model, now)
			} else {
				until := now - time.Duration(rng.IntN(2*most))
				r.dropUntil(until)
				model = slices.DeleteFunc(model, func(m time.Duration) bool { return m <= until })
			}
			if got := moments(&r); !slices.Equal(got, model) {
				t.Fatalf("seed %d: %v, want %v", seed, got, model)
			}
			if size := len(r.buf); size&(size-1) != 0 || size > max(4, 2*most) {
				t.Fatalf("seed %d: size %d for at most %d", seed, size, most)
			}
		}
	}
}

// With its head in the middle, a ring that grows copies two pieces.
func TestRingGrowsInOrderFromEveryPosition(t *testing.T) {
	for size := 4; size <= 32; size *= 2 {
		for head := range size {
			var r ring
			for i := range size {
				r.push(time.Duration(i))
			}
			r.dropUntil(time.Duration(head - 1))
			for i := range head + 1 {
				r.push(time.Duration(size + i))
			}
			if r.len() != size+1 || len(r.buf) != 2*size {
				t.Fatalf("size %d, head %d: %d in %d", size, head, r.len(), len(r.buf))
			}
			for i, m := range moments(&r) {
				if m != time.Duration(head+i) {
					t.Fatalf("size %d, head %d: number %d is %d, want %d", size, head, i, m, head+i)
				}
			}
		}
	}
}

func TestRingDropsTheMomentThatHasJustCome(t *testing.T) {
	var r ring
	r.dropUntil(t9) // nothing there
	r.push(t3)
	r.dropUntil(t3 - 1)
	if r.len() != 1 {
		t.Fatal("dropped before its time")
	}
	r.dropUntil(t3)
	if r.len() != 0 {
		t.Fatal("not dropped at its time")
	}
}

func TestRingStaysInOrderWhenTheClockStepsBack(t *testing.T) {
	var r ring
	for _, m := range []time.Duration{t5, t2, t6, t4} {
		r.push(m)
	}
	if got, want := moments(&r), []time.Duration{t5, t5, t6, t6}; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	// What was dropped binds nobody.
	r.dropUntil(t6)
	r.push(t1)
	if got, want := moments(&r), []time.Duration{t1}; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}
