package transport

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/bucket"
	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
)

// turnstile is the rule of one station: arithmetic with the time as an
// argument, under the budget's lock. gate.Gate, bucket.Window and pace are the
// three there are.
type turnstile interface {
	// Ready reports whether one request may pass now.
	Ready(now time.Duration) bool
	// Take lets one pass. Ready(now) has been true.
	Take(now time.Duration)
	// When returns the earliest moment at which a request with ahead others
	// before it can pass.
	When(now time.Duration, ahead int) time.Duration
	// Idle reports whether a new turnstile would behave the same.
	Idle(now time.Duration) bool
}

// line is where requests wait for one station.
type line = queue.Line[*lease]

// held is how many tokens of a window each class must leave to better ones.
type held [queue.Classes]int

// station is one place on a request's way: a turnstile, and the line before it.
// Everything in it is guarded by the budget's lock.
type station struct {
	turnstile
	window *bucket.Window // the turnstile, where it is a window
	limit  *Limit         // what it stands for, where it is no gate
	held   *held          // nil: nothing is reserved
	line   *line          // nil: nobody waits
	timer  *time.Timer    // wakes the first of the line
	wakeAt time.Duration  // when; 0: never
	users  int32          // leases whose way leads through here; none may be evicted from under them
}

func newWindowStation(l *Limit, h *held) *station {
	s := &struct { // one allocation for both: there may be very many of them
		station
		bucket.Window
	}{Window: bucket.New(l.N, l.Window)}
	s.station = station{turnstile: &s.Window, window: &s.Window, limit: l, held: h}
	return &s.station
}

// idle reports whether the station may be forgotten.
func (s *station) idle(now time.Duration) bool { return s.users == 0 && s.Idle(now) }

// waiting returns how many stand in line.
func (s *station) waiting() int {
	if s.line == nil {
		return 0
	}
	return s.line.Len()
}

// ahead returns how many of those in line go before a newcomer.
func (s *station) ahead(class int, flow string) int {
	if s.line == nil {
		return 0
	}
	return s.line.Ahead(class, flow)
}

// push puts l at the end of its part of the line.
func (s *station) push(l *lease, now time.Duration) {
	if s.line == nil {
		s.line = new(line)
	}
	if l.waiting == nil {
		l.waiting = &waiting{granted: make(chan struct{})}
		l.place.Who, l.turn.Value = l, l
	}
	l.stood = now
	s.line.Push(&l.place, l.class, l.flow)
}

// pop lets the next of the line go, if there is one that may pass now.
func (s *station) pop(now time.Duration) *lease {
	if s.line == nil {
		return nil
	}
	p := s.line.Front(s.open(now))
	if p == nil {
		return nil
	}
	s.line.Pass(p)
	s.tidy()
	return p.Who
}

// leave takes l out of the line.
func (s *station) leave(l *lease) {
	l.place.Leave()
	s.tidy()
}

func (s *station) tidy() {
	if s.line.Len() == 0 {
		s.line = nil
	}
}

// open returns how many classes may pass now, from the best on. A class that has
// been passed over for too long may use what is held back for better ones.
func (s *station) open(now time.Duration) int {
	if !s.Ready(now) {
		return 0
	}
	if s.held == nil || s.line != nil && s.line.Starved() {
		return queue.Classes
	}
	for class := queue.Classes - 1; class > 0; class-- {
		if s.window.Short(now, s.held[class]) <= 0 {
			return class + 1
		}
	}
	return 1
}

// when returns the earliest moment at which somebody of a class, with ahead
// others before him, can pass.
func (s *station) when(now time.Duration, class, ahead int) time.Duration {
	at := s.When(now, ahead)
	if p, ok := s.turnstile.(pace); ok && at > now {
		at = p.Soonest(now, ahead)
	}
	if s.held == nil || s.held[class] == 0 {
		return at
	}
	return max(at, s.window.Enough(now, s.held[class]))
}

// next returns when the first of the line can pass.
func (s *station) next(now time.Duration) time.Duration {
	return s.when(now, s.line.Front(queue.Classes).Class(), 0)
}

// wakeTime returns when to look at the line again, if nothing happens until then.
func (s *station) wakeTime(now time.Duration) time.Duration {
	if s.held != nil && s.Ready(now) { // the first is held back for better classes
		return s.window.Look(now, s.held[s.line.Front(queue.Classes).Class()])
	}
	if p, ok := s.turnstile.(pace); ok { // a guess, since the rate climbs: not again at once
		return max(p.Soonest(now, 0), now+time.Millisecond)
	}
	return s.When(now, 0)
}

// hold says what a request waits for at this station.
func (s *station) hold() Hold {
	switch {
	case s.window != nil:
		return HoldLimit
	case s.limit != nil:
		return HoldRate
	default:
		return HoldBlock
	}
}
