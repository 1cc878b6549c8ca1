package bucket

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestWhenOnATimeline(t *testing.T) {
	w := New(4, window)
	for range 3 {
		w.Take(t0)
	}
	w.Settle(t1)
	w.Settle(t2)
	// At t3: one free, one back at t5, one at t6, one in flight.
	for ahead, want := range []time.Duration{
		t3, t5, t6, t7, // answered at t3, at the soonest
		t7, t9, t9 + step, t9 + 2*step, // the same again, a window later
		t7 + window,
	} {
		if got := w.When(t3, ahead, 0, 0); got != want {
			t.Errorf("behind %d: %v, want %v", ahead, got, want)
		}
	}
	if got := w.When(t5, 0, 0, 0); got != t5 {
		t.Errorf("with a token that is back: %v, want %v", got, t5)
	}
}

// inSomeState returns a bucket after random traffic, and the time.
func inSomeState(rng *rand.Rand, limit int) (Window, time.Duration) {
	w, now := New(limit, window), t0
	for range rng.IntN(6 * limit) {
		now += time.Duration(rng.Int64N(int64(window))) / time.Duration(limit)
		switch {
		case w.Ready(now) && rng.IntN(2) == 0:
			w.Take(now)
		case w.InFlight() > 0:
			w.Settle(now)
		}
	}
	return w, now
}

// passes sends ahead requests and one more, each as soon as it can be, and
// returns when the last one went. The answers to those in flight come after
// delay() each, and so do the answers to those that it sends.
func passes(w Window, now time.Duration, ahead int, delay func() time.Duration) time.Duration {
	w.returns.buf = slices.Clone(w.returns.buf)
	var answers []time.Duration
	for range w.InFlight() {
		answers = append(answers, now+delay())
	}
	for {
		slices.Sort(answers)
		for len(answers) > 0 && answers[0] <= now {
			w.Settle(now)
			answers = answers[1:]
		}
		switch {
		case w.Ready(now) && ahead == 0:
			return now
		case w.Ready(now):
			w.Take(now)
			ahead--
			answers = append(answers, now+delay())
		default: // on to the next event: a token that returns, or an answer
			var next []time.Duration
			if w.returns.len() > 0 {
				next = append(next, w.returns.at(0))
			}
			now = slices.Min(append(next, answers...))
		}
	}
}

func TestWhenIsNeitherEarlyNorLateWhereItIsExact(t *testing.T) {
	for seed := range uint64(800) {
		rng := rand.New(rand.NewPCG(seed, 1))
		limit := 1 + rng.IntN(6)
		w, now := inSomeState(rng, limit)

		// Fewer ahead than tokens that are not in flight: whatever the answers do.
		for ahead := range limit - w.InFlight() {
			slow := func() time.Duration { return time.Duration(rng.Int64N(int64(9 * window))) }
			if got, want := w.When(now, ahead, 0, 0), passes(w, now, ahead, slow); got != want {
				t.Fatalf("seed %d: behind %d: %v, want %v", seed, ahead, got, want)
			}
		}
		// Any number ahead, where every answer comes at once: the bound is tight.
		for ahead := range 4 * limit {
			atOnce := func() time.Duration { return 0 }
			if got, want := w.When(now, ahead, 0, 0), passes(w, now, ahead, atOnce); got != want {
				t.Fatalf("seed %d: behind %d, answers at once: %v, want %v", seed, ahead, got, want)
			}
		}
	}
}

// A request is refused on the strength of When, so it must never be late.
func TestWhenIsNeverLaterThanWhatHappens(t *testing.T) {
	for seed := range uint64(800) {
		rng := rand.New(rand.NewPCG(seed, 2))
		limit := 1 + rng.IntN(6)
		w, now := inSomeState(rng, limit)
		most := int64(1) << rng.IntN(36)
		for ahead := range 4 * limit {
			bound := w.When(now, ahead, 0, 0)
			if bound < now {
				t.Fatalf("seed %d: behind %d: %v, before now, %v", seed, ahead, bound, now)
			}
			delay := func() time.Duration { return time.Duration(rng.Int64N(most)) }
			if at := passes(w, now, ahead, delay); at < bound {
				t.Fatalf("seed %d: behind %d: it passed at %v, before %v", seed, ahead, at, bound)
			}
		}
	}
}
