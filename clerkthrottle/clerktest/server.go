package clerktest

import (
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/registry"
)

// Server is a stand-in for Clerk. It is safe for concurrent use. Use [New]; the zero
// value is not usable.
type Server struct {
	cfg    config
	router *router
	rows   table

	mu      sync.Mutex
	epoch   time.Time  // see nowLocked
	rand    *rand.Rand // for latencies
	clients int
	limiter *limiter
	report  report
	notices registry.Registry[*notices]
	late    []lateArrival // by time of arrival

	started *httptest.Server
}

// New returns a server with the documented limits and no latency, unless options
// change that. It panics if an option is invalid.
func New(opts ...Option) *Server {
	s := &Server{cfg: newConfig(opts)}
	s.router = newRouter(&s.cfg)
	s.rows = newTable(s.router, s.cfg.limits)
	s.Reset()
	return s
}

// Reset discards everything that happened: counts, blocks and log. Random draws start
// anew. Options stay, and the server keeps listening if it was started.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch = time.Time{}
	s.rand = rand.New(rand.NewPCG(s.cfg.seed, 0))
	s.limiter = newLimiter(&s.cfg, s.rows)
	s.report = report{size: s.cfg.logSize, stats: Stats{Endpoints: map[string]EndpointStats{}}}
	s.notices = registry.New(func(n *notices, now time.Duration) bool { return n.last().until <= now })
	s.late = nil
}

// Start listens on a free loopback port and returns the base URL,
// "http://127.0.0.1:port", without the /v1 that Clerk's SDK expects in its URL. Later
// calls return the same URL. Sockets do not work inside a testing/synctest bubble:
// use [Server.RoundTripper] there.
func (s *Server) Start() (url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started == nil {
		s.started = httptest.NewServer(s)
	}
	return s.started.URL
}

// Close stops the listener of Start and ends requests in progress. The counts remain
// readable, and the server can be started again.
func (s *Server) Close() {
	s.mu.Lock()
	started := s.started
	s.started = nil
	s.mu.Unlock()
	if started != nil {
		started.CloseClientConnections() // Close would wait for their requests
		started.Close()
	}
}

// ServeHTTP answers a request for any host. It takes as long as the latency.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.RemoteAddr) // "" if it is not a network address
	a, err := s.serve(r, client{host: host, grace: socketGrace})
	if err != nil { // lost, or the client is gone
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	body := a.body
	if r.Method == http.MethodHead {
		return
	}
	if a.stall != 0 {
		half := len(body) / 2
		_, _ = w.Write(body[:half])
		_ = http.NewResponseController(w).Flush()
		if wait(r.Context(), a.stall) != nil {
			panic(http.ErrAbortHandler)
		}
		body = body[half:]
	}
	_, _ = w.Write(body)
}

// nowLocked returns the time since the Unix epoch, by the monotonic clock as set from
// the wall clock at the first request.
func (s *Server) nowLocked() time.Duration {
	if s.epoch.IsZero() {
		now := time.Now()
		s.epoch = now.Add(-time.Duration(now.UnixNano()))
	}
	return time.Since(s.epoch)
}
