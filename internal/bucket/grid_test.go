package bucket

import (
	"testing"
	"time"
)

// The grid on which the timelines are drawn: a window is four steps long.
const (
	step   = time.Second
	window = 4 * step

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

type op byte

const (
	take op = iota
	settle
	cancel
	look
)

// moment is one event on a timeline, and how many tokens are free after it.
type moment struct {
	at   time.Duration
	op   op
	free int
}

func do(w *Window, o op, now time.Duration) {
	switch o {
	case take:
		w.Take(now)
	case settle:
		w.Settle(now)
	case cancel:
		w.Cancel()
	}
}

// run plays a timeline and checks what is free before and after every event.
func run(t *testing.T, limit int, line []moment) {
	t.Helper()
	w := New(limit, window)
	for i, m := range line {
		if m.op == take && !w.Ready(m.at) {
			t.Fatalf("event %d at %v: not ready, but the timeline takes a token", i, m.at)
		}
		do(&w, m.op, m.at)
		if got := w.Free(m.at); got != m.free {
			t.Fatalf("event %d at %v: %d free, want %d", i, m.at, got, m.free)
		}
		if got := w.Ready(m.at); got != (m.free > 0) {
			t.Fatalf("event %d at %v: Ready is %v with %d free", i, m.at, got, m.free)
		}
		conserved(t, &w, m.at)
	}
}

// conserved checks that every token is free, in flight or on its way back.
func conserved(t *testing.T, w *Window, now time.Duration) {
	t.Helper()
	free := w.Free(now)
	if n, _ := w.Limit(); free < 0 || w.InFlight() < 0 || free+w.InFlight()+w.returns.len() != n {
		t.Fatalf("at %v: %d free + %d in flight + %d returning, want %d in all",
			now, free, w.InFlight(), w.returns.len(), n)
	}
	if idle := w.Idle(now); idle != (w.InFlight() == 0 && w.returns.len() == 0) {
		t.Fatalf("at %v: Idle is %v with %d in flight and %d returning", now, idle, w.InFlight(), w.returns.len())
	}
}
