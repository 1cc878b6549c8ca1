package gate

import (
	"slices"
	"testing"
	"time"
)

// A server that always names a tiny wait gets about one request a second.
func TestTinyRetryAfterIsWaitedOutByTheFloor(t *testing.T) {
	var g Gate
	asked := 0
	for now := time.Duration(0); now < time.Minute; now = g.Until() {
		g.Block(now, now, time.Millisecond)
		asked++
	}
	if asked < 60 || asked > 75 {
		t.Errorf("asked %d times in a minute, want 60 and a few at the beginning", asked)
	}
}

// Retry-After of whole seconds is obeyed exactly, however often it comes.
func TestRetryAfterOfASecondIsKeptTo(t *testing.T) {
	var g Gate
	for now := t1; now < t9; now = g.Until() {
		g.Block(now, now, time.Second)
		if g.Until() != now+time.Second {
			t.Fatalf("at %v: closed until %v", now, g.Until())
		}
	}
}

// The 429s of one burst are one event: the floor rises once.
func TestFloorRisesOncePerEvent(t *testing.T) {
	var g Gate
	for range 100 {
		g.Block(t1, t1, time.Millisecond)
	}
	if until := g.Until(); until > t1+200*time.Millisecond {
		t.Errorf("closed until %v", until)
	}
	g.Pass(g.Until())
	g.Block(t2, t2, time.Millisecond)
	if until := g.Until(); until > t2+200*time.Millisecond {
		t.Errorf("a success has not reset the floor: closed until %v", until)
	}
}

// Waiters at a gate that spreads pass in order, over two seconds.
func TestGateSpreadsThoseWhoWaited(t *testing.T) {
	g := Gate{Spread: true}
	g.Close(t0+1, step)
	end := t0 + 1 + step
	var expected, passed []time.Duration
	for ahead := range 10_000 {
		expected = append(expected, g.When(t1, ahead))
	}
	for now := end; len(passed) < 10_000; now = g.When(now, 0) {
		if !g.Ready(now) {
			t.Fatalf("not ready at the moment that it told: %v", now)
		}
		g.Take(now)
		passed = append(passed, now)
	}
	if !slices.Equal(expected, passed) {
		t.Error("they do not pass when it was told that they would")
	}
	most := 0
	for i := range passed {
		n, _ := slices.BinarySearch(passed, passed[i]+10*time.Millisecond)
		most = max(most, n-i)
	}
	if most > len(passed)/2 || passed[len(passed)-1] > end+2*time.Second {
		t.Errorf("%d of %d within 10ms, the last after %v", most, len(passed), passed[len(passed)-1]-end)
	}
	if g.Idle(end+time.Second) || !g.Idle(end+2*time.Second) {
		t.Error("it is idle once all may pass, and not before")
	}
}
