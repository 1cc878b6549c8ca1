package clerktest

import (
	"fmt"
	"slices"
	"time"
)

// A notice is a Retry-After that a client has received. It is kept apart from
// the block, which holds for everyone: a client that was not told is not to
// blame for knocking.
type notice struct {
	told  time.Duration // when it was handed to the client
	until time.Duration
}

// notices are what one client was told of one endpoint, the latest and longest
// last.
type notices []notice

func (n notices) last() notice { return n[len(n)-1] }

// key names the client and the endpoint of a trip.
func (t *trip) key() string { return fmt.Sprint(t.id, t.host, "\x00", t.call.key()) }

// socketGrace is how long an answer may take from the handler to the program
// that waits for it.
const socketGrace = 100 * time.Millisecond

// handBack notes that the client has been given the trip's answer.
func (s *Server) handBack(t *trip) {
	if t.until == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.nowLocked()
	n := notice{now + t.grace, t.until}
	told, ok := s.notices.Get(t.key())
	switch {
	case !ok:
		s.notices.Add(t.key(), &notices{n}, now)
	case told.last().until >= n.until: // told before, and for longer
	case told.last().until <= now:
		*told = notices{n}
	default:
		*told = append(*told, n)
	}
}

// violationLocked reports whether the client had been told, before it sent this
// request, to wait until after now. At the very instant of being told it may
// have sent it just before.
func (s *Server) violationLocked(t *trip, now time.Duration) bool {
	told, ok := s.notices.Get(t.key())
	return ok && slices.ContainsFunc(*told, func(n notice) bool { return n.told < t.sent && now < n.until })
}
