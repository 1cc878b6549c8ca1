// Package protocol is how programs and Redis agree on who owns which tokens: the
// script that Redis runs, and what a program remembers of its calls. Both are small
// enough to be searched whole: see fleettest/model.
package protocol

import (
	_ "embed"
	"time"
)

// Script is one exchange, as Redis carries it out.
//
//go:embed script.lua
var Script string

// Session is what a program knows of its calls: the numbers by which Redis tells a
// call that comes late, or twice, from one that counts, and by which both sides see
// that Redis lost something. The zero value is that of a new program.
type Session struct {
	Epoch string        // in which the program's calls count; "": none was told yet
	Seq   int64         // number of the latest call
	Heard int64         // number of the latest call that was answered in this epoch; 0: none was
	Sent  time.Duration // when the latest call that was answered was sent
	Known bool          // Redis has ever answered with a share
	Tried time.Duration // when the latest call was sent
	// Frozen says that no call was sent for longer than the bound, and none has been
	// answered since: the program may have been taken for dead.
	Frozen bool
}

// Number is what a call says of itself.
type Number struct {
	Epoch      string
	Seq, Heard int64
	Ago        time.Duration // since the call numbered Heard was sent
}

// Next numbers a new call.
func (s *Session) Next(now, bound time.Duration) Number {
	s.Seq++
	s.Frozen = s.Frozen || now-s.Tried > bound
	s.Tried = now
	return Number{s.Epoch, s.Seq, s.Heard, now - s.Sent}
}

// Enter notes the epoch that Redis told. What is owned has to be told in it anew.
func (s *Session) Enter(epoch string) { s.Epoch, s.Heard = epoch, 0 }

// Answered notes that a call which was sent at the given moment was answered.
func (s *Session) Answered(n Number, sent time.Duration) {
	s.Heard, s.Sent, s.Known, s.Frozen = n.Seq, sent, true, false
}

// Owns returns what the program may claim to own. Before Redis has ever answered,
// what it goes by is a guess, and nobody's.
func (s *Session) Owns(owned int) int {
	if !s.Known {
		return 0
	}
	return owned
}

// Left returns for how long the program may still spend what it owns: until a bound
// after it sent the latest call that was answered. A call that was only told an epoch
// adds nothing: the others do not wait for a program that does not tell in time what it
// owns.
func (s *Session) Left(now, bound time.Duration) time.Duration { return max(0, s.Sent+bound-now) }

// Alone returns for how long a program may go on after a call that failed, from when
// it was sent: as long as before, and a sixth of the bound at least, since Redis may be
// away for all. It is so little because Redis may be back while the program is frozen:
// one that was heard a third of the bound before the others were, and finds Redis away
// up to half the bound after that, must have stopped when it counts as dead. A program
// that was frozen cannot know how long Redis has been away: it waits for Redis.
func (s *Session) Alone(now, bound time.Duration) time.Duration {
	if s.Known && s.Frozen {
		return s.Left(now, bound)
	}
	return max(s.Left(now, bound), bound/6)
}
