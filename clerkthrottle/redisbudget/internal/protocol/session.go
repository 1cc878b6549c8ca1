// Package protocol is how programs and Redis agree on who owns which tokens: the
// script that Redis runs, and what a program remembers of its calls. Both are small
// enough to be searched exhaustively: see fleettest/model.
package protocol

import (
	_ "embed"
	"time"
)

// Script is one exchange, as Redis carries it out.
//
//go:embed script.lua
var Script string

// Session numbers a program's calls. By the numbers Redis recognizes calls that come
// late or twice, and both sides see that Redis lost something. The zero value is that
// of a new program.
type Session struct {
	Epoch string        // that the program's calls belong to; "": not known yet
	Seq   int64         // number of the latest call
	Heard int64         // number of the latest call answered in this epoch; 0: none
	Sent  time.Duration // when the latest answered call was sent
	Known bool          // Redis has granted shares before
	Tried time.Duration // when the latest call was sent
	// Frozen says that for longer than the bound no call was sent, and none has been
	// answered since: the program may have been taken for dead.
	Frozen bool
}

// Number identifies a call.
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

// Enter moves to the epoch that Redis named. What is owned must be reported again in
// it.
func (s *Session) Enter(epoch string) { s.Epoch, s.Heard = epoch, 0 }

// Answered records that the call numbered n, sent at sent, was answered.
func (s *Session) Answered(n Number, sent time.Duration) {
	s.Heard, s.Sent, s.Known, s.Frozen = n.Seq, sent, true, false
}

// Owns returns how many tokens the program may claim to own. Until Redis has granted
// some, what it uses is a guess, and it owns none.
func (s *Session) Owns(owned int) int {
	if !s.Known {
		return 0
	}
	return owned
}

// Left returns for how long the program may still spend what it owns: until one bound
// after it sent the latest answered call. A call that was only told an epoch adds
// nothing: the others do not wait for a program that is late to report what it owns.
func (s *Session) Left(now, bound time.Duration) time.Duration { return max(0, s.Sent+bound-now) }

// Alone returns for how long a program may go on after a failed call, from when it
// was sent: as long as before, and at least a sixth of the bound, since Redis may be
// away for all. It is no more because Redis may be back while the program is frozen:
// a program that was heard a third of the bound before the others, and finds Redis
// away up to half the bound after that, must have stopped when it counts as dead. One
// that was frozen cannot know how long Redis has been away: it waits for Redis.
func (s *Session) Alone(now, bound time.Duration) time.Duration {
	if s.Known && s.Frozen {
		return s.Left(now, bound)
	}
	return max(s.Left(now, bound), bound/6)
}
