package clerktest

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/internal/registry"
)

// Server is the stand-in. Make one with [New]; the zero value is not usable. It
// is safe for concurrent use.
type Server struct {
	cfg                     config
	router                  *router
	development, production table

	mu      sync.Mutex
	epoch   time.Time  // the zero of the durations below; set when first needed
	rand    *rand.Rand // for latencies
	sent    int
	clients int
	limiter *limiter
	report  report
	notices registry.Registry[*notices]
	late    []lateArrival // by their time

	started *httptest.Server
	stop    context.CancelFunc
}

// New returns a stand-in for Clerk, with the documented limits and no latency
// unless options say otherwise. It panics if an option is wrong.
func New(opts ...Option) *Server {
	s := &Server{cfg: newConfig(opts)}
	s.router = newRouter(&s.cfg)
	// The documented limits know operations by spellings that no API description
	// has: they are to be known whichever limits hold.
	s.development = newTable(s.router, "development", clerkthrottle.Limits(clerkthrottle.Development))
	s.production = newTable(s.router, "production", clerkthrottle.Limits(clerkthrottle.Production))
	if s.cfg.limits != nil {
		s.development = newTable(s.router, "any", s.cfg.limits)
		s.production = s.development
	}
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
	s.sent = 0
	s.limiter = newLimiter(&s.cfg, s.development, s.production, s.gridLocked)
	s.report = newReport(s.cfg.logSize)
	s.notices = newNotices()
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
		ctx, stop := context.WithCancel(context.Background())
		ts := httptest.NewUnstartedServer(s)
		ts.Config.BaseContext = func(net.Listener) context.Context { return ctx }
		ts.Start()
		s.started, s.stop = ts, stop
	}
	return s.started.URL
}

// Close stops what Start began, requests in progress included. What was counted
// stays readable, and the server can be started again.
func (s *Server) Close() {
	s.mu.Lock()
	ts, stop := s.started, s.stop
	s.started, s.stop = nil, nil
	s.mu.Unlock()
	if ts == nil {
		return
	}
	stop() // wakes handlers that wait, or Close would wait for them
	ts.Close()
}

// ServeHTTP answers one request of any host. Latency passes inside of it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, a, err := s.serve(r, client{host: hostOf(r.RemoteAddr)})
	switch {
	case err != nil && t.fault.Loss != NothingLost:
		breakConnection(w)
		return
	case err != nil:
		panic(http.ErrAbortHandler) // nobody is waiting for an answer
	}
	s.handBack(t, socketGrace)
	header := w.Header()
	for k, v := range a.header {
		header[k] = v
	}
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

// breakConnection closes the connection without an answer, as abruptly as the
// server allows.
func breakConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2, or a recorder
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, not an orderly end
	}
	_ = conn.Close()
}

// gridLocked places the edges of fixed windows, if they are fixed: one edge that
// is before all arrivals.
func (s *Server) gridLocked(w time.Duration) (time.Duration, bool) {
	if !s.cfg.phased {
		return 0, false
	}
	return s.cfg.phase%w - time.Duration(s.epoch.UnixNano())%w - w, true
}

func (s *Server) nowLocked() time.Duration {
	now := time.Now()
	if s.epoch.IsZero() {
		s.epoch = now
	}
	return now.Sub(s.epoch)
}
