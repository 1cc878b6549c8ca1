package bucket

import (
	"math"
	"testing"
	"time"
)

func TestTokenIsHeldWhileItsAnswerIsOut(t *testing.T) {
	run(t, 1, []moment{
		{t0, take, 0},
		{t4, look, 0}, // a window after sending, but there is no answer
		{t5, settle, 0},
		{t8, look, 0},
		{t9 - 1, look, 0},
		{t9, look, 1}, // a window after the answer, to the nanosecond
	})
}

// A bucket that refills while it is drawn on would let 2N−1 through.
func TestFirstWindowLetsNoMoreThanNThrough(t *testing.T) {
	run(t, 2, []moment{
		{t0, take, 1},
		{t0, settle, 1},
		{t1, take, 0},
		{t1, settle, 0},
		{t2, look, 0}, // N/W would have given one back
		{t4 - 1, look, 0},
		{t4, look, 1},
		{t4, take, 0},
		{t4, settle, 0},
		{t5, look, 1},
	})
}

func TestTokensComeBackInTheOrderOfTheirAnswers(t *testing.T) {
	run(t, 3, []moment{
		{t0, take, 2},
		{t0, take, 1},
		{t0, take, 0},
		{t1, settle, 0},
		{t2, settle, 0},
		{t4, settle, 0},
		{t5, look, 1},
		{t6, look, 2},
		{t7, look, 2},
		{t8, look, 3},
	})
}

func TestTokenIsTakenAgainWhileOthersAreAway(t *testing.T) {
	run(t, 2, []moment{
		{t0, take, 1},
		{t1, settle, 1},
		{t2, take, 0},
		{t5, look, 1}, // the first is back
		{t5, take, 0},
		{t6, settle, 0}, // either of the two: the tokens are alike
		{t7, settle, 0},
		{t9, look, 0},
		{t9 + step, look, 1},
		{t9 + 2*step, look, 2},
	})
}

func TestCancelledTokenIsFreeAtOnce(t *testing.T) {
	run(t, 2, []moment{
		{t0, take, 1},
		{t0, take, 0},
		{t1, cancel, 1},
		{t1, take, 0},
		{t2, settle, 0},
		{t3, cancel, 1}, // the one that is out, not the one on its way back
		{t5, look, 1},
		{t6, look, 2},
	})
}

func TestBucketIsWholeOneWindowAfterTheLastAnswer(t *testing.T) {
	const n = 5
	w := New(n, window)
	for range n {
		w.Take(t0)
	}
	if w.InFlight() != n || w.Idle(t0) {
		t.Fatalf("%d in flight, idle %v; want %d, false", w.InFlight(), w.Idle(t0), n)
	}
	for i := range n {
		w.Settle(t0 + time.Duration(i)*step)
	}
	if w.Idle(t8 - 1) {
		t.Error("idle before the last token is back")
	}
	if !w.Idle(t8) {
		t.Error("not idle one window after the last answer")
	}
}

func TestLimitBelowOneStillLetsOneThrough(t *testing.T) {
	for _, limit := range []int{math.MinInt, -1, 0, 1} {
		w := New(limit, window)
		if n, period := w.Limit(); n != 1 || period != window {
			t.Errorf("New(%d): limit %d in %v, want 1 in %v", limit, n, period, window)
		}
	}
}

func TestClockSteppingBackFreesNoTokenEarly(t *testing.T) {
	run(t, 2, []moment{
		{t3, take, 1},
		{t3, settle, 1}, // back at t7
		{t1, take, 0},
		{t1, settle, 0}, // would be t5: the order wins
		{t5, look, 0},
		{t7 - 1, look, 0},
		{t7, look, 2},
		{t2, look, 2}, // what is back stays back
	})
}

// A window of 292 years wrapped into the past, and its token was free at once.
func TestEndlessWindowDoesNotFreeItsTokenAtOnce(t *testing.T) {
	w := New(1, math.MaxInt64)
	w.Take(t1)
	w.Settle(t1)
	if w.Ready(t9) {
		t.Error("the token is free again")
	}
	if got := w.When(t9, 0, 0, 0); got != math.MaxInt64 {
		t.Errorf("the token comes back at %v, want never", got)
	}
}

func TestLongLineIsNotToldATimeInThePast(t *testing.T) {
	const day = 24 * time.Hour
	const most = int(math.MaxInt64 / day)
	w := New(1, day)
	if got, want := w.When(0, most, 0, 0), time.Duration(most)*day; got != want {
		t.Errorf("behind %d: %v, want %v", most, got, want)
	}
	for _, ahead := range []int{most + 1, 2 * most, math.MaxInt} {
		if got := w.When(0, ahead, 0, 0); got != math.MaxInt64 {
			t.Errorf("behind %d: %v, want the end of time", ahead, got)
		}
	}
	now := math.MaxInt64 - day // the last moment from which a day can pass
	if got := w.When(now, 1, 0, 0); got != math.MaxInt64 {
		t.Errorf("a day after %v is %v, want %v", now, got, time.Duration(math.MaxInt64))
	}
	if got := w.When(now-1, 1, 0, 0); got != math.MaxInt64-1 {
		t.Errorf("a day after %v is %v, want %v", now-1, got, time.Duration(math.MaxInt64-1))
	}
}

func TestSmallTrafficKeepsALargeBucketSmall(t *testing.T) {
	w := New(1_000_000, window)
	for i := range 1000 {
		now := time.Duration(i) * step // four in a window
		if !w.Ready(now) {
			t.Fatal("not ready")
		}
		w.Take(now)
		w.Settle(now)
	}
	if got := cap(w.returns.buf); got > 4 {
		t.Errorf("the ring has room for %d, and needs 4", got)
	}
}

func TestSteadyTrafficAllocatesNothing(t *testing.T) {
	w, now := New(8, window), t0
	if got := testing.AllocsPerRun(1000, func() {
		for w.Ready(now) {
			w.Take(now)
			w.Settle(now)
		}
		now = w.When(now, 0, 0, 0)
	}); got != 0 {
		t.Errorf("%v allocations a round, want 0", got)
	}
}

func BenchmarkTakeSettle(b *testing.B) {
	w, now := New(1000, 10*time.Second), time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		if !w.Ready(now) {
			now = w.When(now, 0, 0, 0)
		}
		w.Free(now)
		w.Take(now)
		w.Settle(now)
	}
}

// A program that always has somebody waiting never had a token free to give back.
func TestTokensBeyondThoseToKeepLeaveAsTheyComeBack(t *testing.T) {
	w := New(4, step)
	for range 3 {
		w.Take(t0)
		w.Settle(t1)
	}
	w.Keep(2)
	for _, look := range []struct {
		at         time.Duration
		free, left int
	}{
		{t1, 1, 4}, // what is free stays
		{t2 - 1, 1, 4},
		{t2, 2, 2}, // of three that come back, two leave
	} {
		free := w.Free(look.at)
		if left, _ := w.Limit(); free != look.free || left != look.left {
			t.Errorf("at %s: %d free of %d, want %d of %d", look.at, free, left, look.free, look.left)
		}
	}
	w.Take(t2)
	w.Settle(t2)
	if free := w.Free(t9); free != 2 {
		t.Errorf("%d free, want both that are kept", free)
	}
}
