package bucket

import (
	"slices"
	"testing"
	"time"
)

// naive is a bucket that writes down every token: where it is, and when it
// comes back. Its clock may step back.
type naive struct {
	free, out int
	back      []time.Duration
}

func (m *naive) tick(now time.Duration) {
	for _, at := range m.back {
		if at <= now {
			m.free++
		}
	}
	m.back = slices.DeleteFunc(m.back, func(at time.Duration) bool { return at <= now })
}

func (m *naive) settle(now time.Duration) {
	at := now + window
	for _, other := range m.back { // no answer overtakes an earlier one
		at = max(at, other)
	}
	m.out--
	m.back = append(m.back, at)
}

// when plays the future by hand: all answers in flight come now, and all later
// ones with their request.
func (m *naive) when(now time.Duration, ahead int) time.Duration {
	var tokens []time.Duration
	for range m.free {
		tokens = append(tokens, now)
	}
	tokens = append(tokens, m.back...)
	for range m.out {
		tokens = append(tokens, now+window)
	}
	for range ahead {
		tokens = append(tokens[1:], tokens[0]+window)
	}
	return tokens[0]
}

// FuzzWindow drives a bucket and the naive one with the same events: of each
// byte, two bits say what happens, and the others how far the clock moves.
func FuzzWindow(f *testing.F) {
	f.Add(uint8(1), []byte{0, 1, 0x40, 0, 1})
	f.Add(uint8(3), []byte{0, 0, 0, 1, 5, 9, 0x80, 0x84, 2, 3, 0xff, 0, 1})
	f.Add(uint8(9), []byte("take a few, settle a few, cancel a few, and look at the clock"))
	f.Fuzz(func(t *testing.T, limit uint8, events []byte) {
		n := 1 + int(limit%16)
		w, m, now := New(n, window), naive{free: n}, 20*window
		for _, e := range events {
			now = max(now+time.Duration(e>>2)*step/4-2*step, 0) // −2 s … +13.75 s
			w.Free(now)
			m.tick(now)
			switch o := op(e & 3); {
			case o == take && m.free > 0:
				w.Take(now)
				m.free, m.out = m.free-1, m.out+1
			case o == settle && m.out > 0:
				w.Settle(now)
				m.settle(now)
			case o == cancel && m.out > 0:
				w.Cancel()
				m.free, m.out = m.free+1, m.out-1
			}
			if got := w.Free(now); got != m.free {
				t.Fatalf("at %v: %d free, want %d", now, got, m.free)
			}
			if w.InFlight() != m.out {
				t.Fatalf("at %v: %d in flight, want %d", now, w.InFlight(), m.out)
			}
			conserved(t, &w, now)
			ahead := int(e>>2) % (2 * n)
			got, want := w.When(now, ahead, 0, 0), m.when(now, ahead)
			if late := len(m.back) > 0 && m.back[len(m.back)-1] > now+window; got != want && !late || got > want {
				t.Fatalf("at %v, behind %d: %v, want %v", now, ahead, got, want)
			}
		}
	})
}
