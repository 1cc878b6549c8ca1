package redisbudget

import "time"

// session is what a program knows of its calls: the numbers by which Redis tells a
// call that comes late, or twice, from one that counts, and by which both sides see
// that Redis lost something. Pure: the tests search what it and the script can come
// to, call by call.
type session struct {
	epoch string        // in which the program's calls count; "": none was told yet
	seq   int64         // number of the latest call
	heard int64         // number of the latest call that was answered in this epoch; 0: none was
	sent  time.Duration // when that was sent
	known bool          // Redis has ever answered with a share
}

// number is what a call says of itself.
type number struct {
	epoch      string
	seq, heard int64
	ago        time.Duration // since the call numbered heard was sent
}

// next numbers a new call.
func (s *session) next(now time.Duration) number {
	s.seq++
	return number{s.epoch, s.seq, s.heard, now - s.sent}
}

// enter notes the epoch that Redis told. What is owned has to be told in it anew.
func (s *session) enter(epoch string) { s.epoch, s.heard = epoch, 0 }

// answered notes that a call which was sent at the given moment was answered.
func (s *session) answered(n number, sent time.Duration) {
	s.heard, s.sent, s.known = n.seq, sent, true
}

// owns returns what the program may claim to own. Before Redis has ever answered,
// what it goes by is a guess, and nobody's.
func (s *session) owns(owned int) int {
	if !s.known {
		return 0
	}
	return owned
}
