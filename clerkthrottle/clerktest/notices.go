package clerktest

import (
	"fmt"
	"slices"
	"time"
)

// A notice is a Retry-After that a client has received. It is separate from the
// block, which holds for all clients: one that does not know of the block violates
// nothing.
type notice struct {
	received time.Duration // when the client received it
	until    time.Duration
}

// notices are what one client received for one endpoint, latest and longest last.
type notices []notice

func (n notices) last() notice { return n[len(n)-1] }

// key returns the key of the trip's client and endpoint.
func (t *trip) key() string { return fmt.Sprint(t.id, t.host, "\x00", t.call.key()) }

// socketGrace is how long an answer may take from the handler to the waiting program.
const socketGrace = 100 * time.Millisecond

// delivered records that the client has received the trip's answer.
func (s *Server) delivered(t *trip) {
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
	case told.last().until >= n.until: // it already has a longer one
	case told.last().until <= now:
		*told = notices{n}
	default:
		*told = append(*told, n)
	}
}

// violationLocked reports whether the client had received, before it sent this
// request, a Retry-After that ends after now. A request sent at the very instant of
// receipt may have been sent just before.
func (s *Server) violationLocked(t *trip, now time.Duration) bool {
	told, ok := s.notices.Get(t.key())
	return ok && slices.ContainsFunc(*told, func(n notice) bool { return n.received < t.sent && now < n.until })
}
