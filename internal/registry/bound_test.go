package registry

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

// flood adds new keys, one each moment, beside some that are in use for ever.
// Each is in use for as long as life says, once, and no key comes back. It
// returns the most keys that the registry held, and the most in use at once.
func flood(forever, additions int, life func(i int) time.Duration) (held, used int) {
	r := New(look)
	for i := range forever {
		r.Add("long-lived "+strconv.Itoa(i), &state{idleAt: never}, 0)
	}
	var ends []time.Duration // of those in use beside the long-lived ones, in order
	for i := range additions {
		now := time.Duration(i)
		s := &state{idleAt: now + life(i)}
		r.Add(strconv.Itoa(i), s, now)
		for len(ends) > 0 && ends[0] <= now {
			ends = ends[1:]
		}
		if s.idleAt > now {
			at, _ := slices.BinarySearch(ends, s.idleAt)
			ends = slices.Insert(ends, at, s.idleAt)
		}
		held, used = max(held, r.Len()), max(used, forever+len(ends))
	}
	return held, used
}

// The package comment's bound. A key that is found in use was so when the round
// began, since no key comes back: B is at most what is in use at once. Where
// the number of keys is odd, half of it is rounded up: by one at the beginning
// of a round, and again within it.
func checkHeld(t *testing.T, held, used int) {
	t.Helper()
	if most := 5*used/2 + 3; held > most {
		t.Errorf("held %d keys with at most %d in use, want at most %d", held, used, most)
	}
}

// With new keys at the end of the entries, each would take the place of an idle
// one at the hand, and old keys piled up without bound: 1000 in use, 32 000 held
// after a million additions, and growing.
func TestFloodOfKeysBesideLongLivedOnesDoesNotPileUp(t *testing.T) {
	for _, forever := range []int{0, 1, 2, 10, 333, 1000} {
		for _, life := range []int{0, 1, 2, 3, 10, 100, 1000} {
			t.Run(fmt.Sprintf("%d+%d", forever, life), func(t *testing.T) {
				held, used := flood(forever, 20_000, func(int) time.Duration { return time.Duration(life) })
				checkHeld(t, held, used)
			})
		}
	}
}

func TestFloodOfKeysWithUnevenLivesDoesNotPileUp(t *testing.T) {
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 5))
		most := int64(1) << rng.IntN(10)
		rare := 1 + rng.IntN(50)
		held, used := flood(rng.IntN(300), 20_000, func(int) time.Duration {
			if rng.IntN(rare) == 0 {
				return time.Duration(rng.Int64N(20 * most))
			}
			return time.Duration(rng.Int64N(most))
		})
		checkHeld(t, held, used)
	}
}

func TestWhatAPeakLeftIsHalvedByEveryRound(t *testing.T) {
	r := New(look)
	const peak = 1 << 14
	for i := range peak {
		r.Add("peak "+strconv.Itoa(i), &state{idleAt: 1}, 0)
	}
	r.Add("0", &state{idleAt: 1}, 1)
	for round := peak; round > 1; round /= 2 {
		// Whatever part of a round the peak's end was in, the next is whole.
		for i := range round/2 + 1 {
			r.Add(fmt.Sprint(round, i), &state{idleAt: 1}, 1)
		}
		if r.Len() > round/2+1 {
			t.Fatalf("%d keys after a round that began with %d, none of them in use", r.Len(), round)
		}
	}
}
