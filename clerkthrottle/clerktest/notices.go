package clerktest

import "time"

// A notice is a Retry-After that a client has received. It is kept apart from
// the block, which holds for everyone: a client that was not told is not to
// blame for knocking.
type notice struct {
	told  time.Duration // when it was handed to the client
	until time.Duration
}

type noticeKey struct {
	client
	blockKey
}

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
	if len(s.notices) >= sweepSize {
		for k, list := range s.notices {
			if list[len(list)-1].until <= now {
				delete(s.notices, k)
			}
		}
	}
	key := noticeKey{t.client, blockKey{t.owner(), t.endpoint}}
	list := s.notices[key]
	if len(list) > 0 {
		switch last := list[len(list)-1]; {
		case last.until >= t.until: // told before, and for longer
			return
		case last.until <= now:
			list = list[:0]
		}
	}
	s.notices[key] = append(list, notice{now + grace, t.until})
}

// violationLocked reports whether the client had been told, before it sent this
// request, to wait until after now. At the very instant of being told it may
// have sent it just before.
func (s *Server) violationLocked(t *trip, now time.Duration) bool {
	list := s.notices[noticeKey{t.client, blockKey{t.owner(), t.endpoint}}]
	for i := len(list) - 1; i >= 0 && now < list[i].until; i-- {
		if list[i].told < t.sent {
			return true
		}
	}
	return false
}
