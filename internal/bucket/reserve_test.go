package bucket

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestReserveIsWholeRightAfterABurst(t *testing.T) {
	w := New(1000, 10*time.Second)
	const reserve = 200
	taken := 0
	for w.Short(0, reserve) <= 0 {
		w.Take(0)
		taken++
	}
	if taken != 800 {
		t.Errorf("others took %d of 1000, want 800", taken)
	}
}

func TestReserveIsUsedByOthersAsReturnsComeNear(t *testing.T) {
	w := New(1000, 10*time.Second)
	const reserve = 200
	for w.Short(0, reserve) <= 0 {
		w.Take(0)
		w.Settle(0)
	}
	free := w.Free(0)
	for now := time.Duration(0); now < 10*time.Second; now += 10 * time.Millisecond {
		for w.Short(now, reserve) <= 0 {
			w.Take(now)
			w.Settle(now)
		}
	}
	if left := w.Free(9990 * time.Millisecond); left > free/8 {
		t.Errorf("%d of %d reserved tokens idle until the window ended", left, free)
	}
}

func TestEnoughIsNotInThePast(t *testing.T) {
	w := New(10, 10*time.Second)
	for range 9 {
		w.Take(0)
		w.Settle(0)
	}
	for now := time.Duration(0); now < 10*time.Second; now += 250 * time.Millisecond {
		short := w.Short(now, 3)
		at := w.Enough(now, 3)
		if short > 0 && at <= now || short <= 0 && at != now {
			t.Fatalf("short of %.2f at %s: enough at %s", short, now, at)
		}
	}
}

func TestNoReserveHoldsNothingBack(t *testing.T) {
	w := New(3, time.Second)
	for range 3 {
		if w.Short(0, 0) > 0 {
			t.Fatal("held back without a reserve")
		}
		w.Take(0)
	}
	if w.Short(0, 0) <= 0 {
		t.Fatal("let through without a token")
	}
}

// A request that is held back looks again no more often than something happens.
func TestLooksOutnumberEvents(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 7))
	for range 500 {
		const window = 10 * time.Second
		n := 1 + random.IntN(300)
		reserve := random.IntN(n)
		w := New(n, window)
		now := time.Duration(0)
		looks, events := 0, 0
		for range 300 {
			// Something happens at random, and the timer in between.
			next := now + time.Duration(random.Int64N(int64(window/time.Duration(1+random.IntN(n)))))
			for w.Free(now) > 0 && w.Short(now, reserve) > 0 {
				back := w.returns.len()
				at := w.Look(now, reserve)
				if at <= now {
					t.Fatalf("short at %s, and to look again at %s", now, at)
				}
				// Nobody who looks more often would see it sooner.
				if mid := now + (min(at, next)-now)/2; w.Short(mid, reserve) <= 0 && mid > now+time.Microsecond {
					t.Fatalf("n %d, reserve %d: it could have gone at %s, before %s", n, reserve, mid, at)
				}
				if at > next {
					break
				}
				now = at
				looks++
				events += max(0, back-w.returns.len())
				if back == 0 {
					events++ // a window without a return
				}
			}
			now = max(now, next)
			before := w.returns.len()
			switch free := w.Free(now); {
			case random.IntN(3) == 0 && w.InFlight() > 0:
				w.Settle(now)
			case random.IntN(8) == 0 && w.InFlight() > 0:
				w.Cancel()
			case free > 0:
				w.Take(now)
			}
			events += 1 + max(0, before-w.returns.len())
		}
		if looks > 2*events {
			t.Fatalf("n %d, reserve %d: %d looks for %d events", n, reserve, looks, events)
		}
	}
}

// Where most tokens are with slow requests, no return helps and time does not:
// looking again and again as if it did is polling.
func TestReserveIsPolledWhileAnswersAreSlow(t *testing.T) {
	const window = 10 * time.Second
	w := New(1000, window)
	for range 900 {
		w.Take(0)
	}
	looks := 0
	for now := time.Duration(0); now < 10*window; looks++ {
		now = w.Look(now, 200)
	}
	if looks > 11 {
		t.Errorf("%d looks in ten windows in which nothing happens", looks)
	}
	if at := w.Enough(0, 200); at < 5*time.Second || at > window {
		t.Errorf("enough at %s at the earliest, if all answers came at once", at)
	}
	if at := w.Look(0, 0); at != 0 {
		t.Errorf("without a reserve there is nothing to wait for: %s", at)
	}
}

// Enough is a lower bound: whoever refuses by it refuses nobody who would have
// gone in time.
func TestEnoughIsNoLaterThanTheTruth(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 9))
	for range 2000 {
		n := 2 + random.IntN(100)
		reserve := 1 + random.IntN(n-1)
		w := New(n, time.Second)
		now := time.Duration(0)
		for range random.IntN(2 * n) {
			now += time.Duration(random.Int64N(int64(time.Second / 20)))
			if w.Free(now) > 0 {
				w.Take(now)
			}
			if w.InFlight() > 0 && random.IntN(2) == 0 {
				w.Settle(now)
			}
		}
		bound := w.Enough(now, reserve)
		if w.InFlight() > 0 { // all answers come at once
			for w.InFlight() > 0 {
				w.Settle(now)
			}
		}
		at := now
		for w.Short(at, reserve) > 0 {
			at += time.Millisecond
		}
		if bound > at {
			t.Fatalf("n %d, reserve %d: enough at %s, but it goes at %s", n, reserve, bound, at)
		}
	}
}

// Short is what the comment at the head of reserve.go says: exactly as long as all
// returns are looked at, and else off by less than a step, to the side that holds
// back more.
func TestShortIsNotWhatItSays(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	for range 3000 {
		n := 2 + random.IntN(400)
		reserve := 1 + random.IntN(n-1)
		w := New(n, time.Second)
		now := time.Duration(0)
		for range random.IntN(3 * n) {
			now += time.Duration(random.Int64N(int64(time.Second / time.Duration(n))))
			if w.Free(now) > 0 {
				w.Take(now)
			}
			if w.InFlight() > 0 && random.IntN(3) > 0 {
				w.Settle(now)
			}
		}
		free, r := w.Free(now), float64(reserve)
		need, all := 0.0, w.returns.len()
		for j := range all { // before the j-th return is in, only the free ones and j are there
			need = max(need, r*float64(w.returns.at(j)-now)/float64(time.Second)-float64(j))
		}
		need = max(need, r-float64(all)) // at the window's end
		exact := 1 + min(r, need+math.Ceil(r*reserveMargin)) - float64(free)
		step := float64(max(1, all/reserveSteps))
		if got := w.Short(now, reserve); got < exact-1e-9 || got > exact+(step-1)*(1+r/float64(n))*2+1e-9 {
			t.Fatalf("n %d, reserve %d, %d on their way: short of %v, exactly %v", n, reserve, all, got, exact)
		}
	}
}
