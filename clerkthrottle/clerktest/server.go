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

// Server is the stand-in. Make one with [New]; the zero value is not usable. It
// is safe for concurrent use.
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
	late    []lateArrival // by their time

	started *httptest.Server
}

// New returns a stand-in for Clerk, with the documented limits and no latency
// unless options say otherwise. It panics if an option is wrong.
func New(opts ...Option) *Server {
	s := &Server{cfg: newConfig(opts)}
	s.router = newRouter(&s.cfg)
	s.rows = newTable(s.router, s.cfg.limits)
	s.Reset()
	return s
}

// Reset forgets everything that happened: counts, blocks and log. The
// random draws begin anew. Options stay as they are, and so does what
// [Server.Start] began.
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

// Start listens on a free port of the loopback address and returns the base
// URL, "http://127.0.0.1:port", without the /v1 that Clerk's SDK wants in its
// URL. A second Start returns the same URL. Sockets do not work inside a
// testing/synctest bubble: use [Server.RoundTripper] there.
func (s *Server) Start() (url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started == nil {
		s.started = httptest.NewServer(s)
	}
	return s.started.URL
}

// Close stops what Start began, requests in progress included. What was counted
// stays readable, and the server can be started again.
func (s *Server) Close() {
	s.mu.Lock()
	started := s.started
	s.started = nil
	s.mu.Unlock()
	if started != nil {
		started.CloseClientConnections() // ends requests, or Close would wait for them
		started.Close()
	}
}

// ServeHTTP answers one request of any host. Latency passes inside of it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.RemoteAddr) // "" if it is not of a network
	a, err := s.serve(r, client{host: host, grace: socketGrace})
	if err != nil { // lost, or nobody is waiting for it any more
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

// nowLocked is the time since the Unix epoch, which lies as far back by the
// monotonic clock as it did by the wall clock when the first request came.
func (s *Server) nowLocked() time.Duration {
	if s.epoch.IsZero() {
		now := time.Now()
		s.epoch = now.Add(-time.Duration(now.UnixNano()))
	}
	return time.Since(s.epoch)
}
