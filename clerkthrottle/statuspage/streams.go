package statuspage

import (
	"net/http"
	"sync"
)

// streams counts the open streams, and ends those of a server that shuts down:
// Shutdown waits for every request, and a stream would never be over.
type streams struct {
	max int

	mu   sync.Mutex
	open int
	ends map[*http.Server]chan struct{} // closed when the server shuts down
}

// enter counts a stream in, if there is room for it. The stream has to end when
// ended is closed, and to call leave.
func (s *streams) enter(r *http.Request) (ended <-chan struct{}, leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= s.max {
		return nil, nil, false
	}
	s.open++
	return s.endLocked(r), s.leave, true
}

func (s *streams) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

// endLocked returns the channel of the request's server, or nil where there is
// none to know of.
func (s *streams) endLocked(r *http.Request) <-chan struct{} {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return nil
	}
	end, ok := s.ends[server]
	if !ok {
		end = make(chan struct{})
		if s.ends == nil {
			s.ends = make(map[*http.Server]chan struct{})
		}
		s.ends[server] = end
		var once sync.Once // a server may be shut down twice
		server.RegisterOnShutdown(func() { once.Do(func() { close(end) }) })
	}
	return end
}
