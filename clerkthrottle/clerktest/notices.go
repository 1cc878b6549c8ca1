package clerktest

import (
	"fmt"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/registry"
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

func newNotices() registry.Registry[*notices] {
	return registry.New(func(n *notices, now time.Duration) bool { return n.last().until <= now })
}

func (n notices) last() notice { return n[len(n)-1] }

// key names the client and the endpoint of a trip.
func (t *trip) key() string { return fmt.Sprint(t.id, t.host, "\x00", t.call.key()) }

// socketGrace is how long an answer may take from the handler to the program
// that waits for it.
const socketGrace = 100 * time.Millisecond

// handBack notes that the client has been given the trip's answer.
func (s *Server) handBack(t *trip, grace time.Duration) {
	if t.until == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.nowLocked()
	told, ok := s.notices.Get(t.key())
	switch {
	case !ok:
		s.notices.Add(t.key(), &notices{{now + grace, t.until}}, now)
	case told.last().until >= t.until: // told before, and for longer
	case told.last().until <= now:
		*told = notices{{now + grace, t.until}}
	default:
		*told = append(*told, notice{now + grace, t.until})
	}
}

// violationLocked reports whether the client had been told, before it sent this
// request, to wait until after now. At the very instant of being told it may
// have sent it just before.
func (s *Server) violationLocked(t *trip, now time.Duration) bool {
	told, ok := s.notices.Get(t.key())
	if !ok {
		return false
	}
	for i := len(*told) - 1; i >= 0 && now < (*told)[i].until; i-- {
		if (*told)[i].told < t.sent {
			return true
		}
	}
	return false
}
