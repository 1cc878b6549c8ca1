package gate

import (
	"math"
	"testing"
	"time"
)

// The grid on which the timelines are drawn. A step is longer than any block of
// the first backoff step (1.5 s), and far shorter than the backoff's memory.
const (
	step = 2 * time.Second

	t0 = time.Duration(0)
	t1 = t0 + step
	t2 = t1 + step
	t3 = t2 + step
	t4 = t3 + step
	t5 = t4 + step
	t6 = t5 + step
	t7 = t6 + step
	t8 = t7 + step
	t9 = t8 + step
)

// closedUntil checks all methods of a gate that describe its block.
func closedUntil(t *testing.T, g *Gate, now, until time.Duration) {
	t.Helper()
	if g.Until() != until {
		t.Fatalf("at %v: closed until %v, want %v", now, g.Until(), until)
	}
	if got, want := g.Ready(now), now >= until; got != want {
		t.Fatalf("at %v: ready is %v, and it is closed until %v", now, got, until)
	}
	for _, ahead := range []int{0, 1, 1000} {
		if got, want := g.When(now, ahead), max(now, until); got != want {
			t.Fatalf("at %v, behind %d: %v, want %v", now, ahead, got, want)
		}
	}
}

func TestGateThatWasToldNothingIsOpen(t *testing.T) {
	var g Gate
	for _, now := range []time.Duration{t0, t1, math.MaxInt64} {
		closedUntil(t, &g, now, 0)
		if !g.Idle(now) {
			t.Errorf("at %v: not idle", now)
		}
	}
	g.Take(t1)
	g.Pass(t1)
	if g != (Gate{}) {
		t.Error("requests and their answers have left a trace")
	}
}

func TestBlockEndsAtItsEnd(t *testing.T) {
	var g Gate
	g.Close(t1, 3*step)
	closedUntil(t, &g, t1, t4)
	closedUntil(t, &g, t4-1, t4)
	closedUntil(t, &g, t4, t4)
	closedUntil(t, &g, t5, t4)
	for now, want := range map[time.Duration]bool{t1: false, t4 - 1: false, t4: true} {
		if g.Idle(now) != want {
			t.Errorf("at %v: idle is %v", now, g.Idle(now))
		}
	}
}

func TestShorterRetryAfterDoesNotOverwriteLonger(t *testing.T) {
	var g Gate
	g.Close(t0, 5*step)
	g.Close(t1, step)
	closedUntil(t, &g, t1, t5)
	g.Close(t4, step) // to the same end
	closedUntil(t, &g, t4, t5)
	g.Close(t4, 0)
	closedUntil(t, &g, t4, t5)
}

func TestLaterRetryAfterExtendsTheBlock(t *testing.T) {
	var g Gate
	g.Close(t0, 2*step)
	g.Close(t1, 2*step)
	closedUntil(t, &g, t1, t3)
	g.Close(t2, 4*step)
	closedUntil(t, &g, t3, t6)
}

func TestEndOfAnOldBlockDoesNotOpenANewOne(t *testing.T) {
	var g Gate
	g.Close(t0, step)
	closedUntil(t, &g, t1, t1)
	g.Close(t2, step)
	closedUntil(t, &g, t2, t3)
}

func TestBackOffDoesNotOverwriteALongerRetryAfter(t *testing.T) {
	var g Gate
	g.Close(t0, time.Hour)
	g.BackOff(t1, t0)
	closedUntil(t, &g, t1, time.Hour)

	g = Gate{}
	g.BackOff(t0, t0)
	g.Close(t0, 1)
	if g.Until() < t0+backoffInitial/2 {
		t.Errorf("a shorter Retry-After has opened the gate at %v", g.Until())
	}
}

func TestHugeRetryAfterDoesNotWrapIntoThePast(t *testing.T) {
	for _, c := range []struct{ now, d, want time.Duration }{
		{t1, math.MaxInt64, math.MaxInt64},
		{t0, math.MaxInt64, math.MaxInt64},
		{t1, math.MaxInt64 - t1 + 1, math.MaxInt64},
		{t1, math.MaxInt64 - t1, math.MaxInt64},
		{t1, math.MaxInt64 - t1 - 1, math.MaxInt64 - 1},
	} {
		var g Gate
		g.Close(c.now, c.d)
		closedUntil(t, &g, c.now, c.want)
		g.BackOff(t2, t1) // nor does anything that is added to it later
		closedUntil(t, &g, t2, c.want)
		g.Close(t2, math.MaxInt64)
		closedUntil(t, &g, t2, math.MaxInt64)
		if g.Idle(t9) {
			t.Error("a gate that is closed for ever is idle")
		}
	}
}

func TestNegativeRetryAfterOpensNothing(t *testing.T) {
	var g Gate
	g.Close(t0, 2*step)
	g.Close(t1, -step)
	g.Close(t1, math.MinInt64)
	closedUntil(t, &g, t1, t2)
}
