package bucket

import (
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
		at := w.Enough(now, 3, short)
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
