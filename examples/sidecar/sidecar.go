package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/edge"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// A sidecar is the whole server but for its listener.
type sidecar struct {
	guard             *guard
	throttle          *transport.Transport
	backend, frontend http.Handler
	status            http.Handler
	logger            *slog.Logger
	grace             time.Duration
	draining          atomic.Bool
	buffers           buffers
	close             func()
}

// The sidecar's own paths. Clerk has none that begin with /-/.
const (
	ownPaths   = "/-/"
	healthPath = "/-/health"
	statusPath = "/-/status/"
)

func newSidecar(o *options, logger *slog.Logger) (*sidecar, error) {
	s := &sidecar{guard: newGuard(o), logger: logger, grace: o.grace}
	base := newTransport()
	opts := append(o.throttle(), clerkthrottle.WithBase(base), clerkthrottle.WithLogger(logger))
	shared, closeShared, err := sharedBudget(o, logger)
	if err != nil {
		return nil, err
	}
	if shared != nil {
		opts = append(opts, clerkthrottle.WithBudget(shared))
	}
	if s.throttle, err = clerkthrottle.NewTransport(opts...); err != nil {
		return nil, err
	}
	s.close = sync.OnceFunc(func() {
		_ = s.throttle.Close()
		closeShared()
		base.CloseIdleConnections()
	})
	s.backend, s.frontend = s.newBackendProxy(o), s.newFrontendProxy(o)
	s.status = statuspage.New(s.throttle, statuspage.WithTitle("Clerk sidecar"))
	return s, nil
}

// ServeHTTP sends a request to where its path belongs. It does not clean paths:
// Clerk is to see what the client sent.
func (s *sidecar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.guard.admit(w, r) {
		return
	}
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, frontendPrefix+"/"):
		s.frontend.ServeHTTP(w, r)
	case path == healthPath:
		s.health(w)
	case strings.HasPrefix(path, statusPath):
		s.status.ServeHTTP(w, r)
	case strings.HasPrefix(path, ownPaths):
		edge.Refuse(w, http.StatusNotFound, "resource_not_found", fmt.Sprintf("The sidecar has %s and %s.", healthPath, statusPath))
	case fromBrowser(r):
		edge.Refuse(w, http.StatusForbidden, "origin_invalid", "The Backend API is for servers: no web page may call it.")
	default:
		s.backend.ServeHTTP(w, r)
	}
}

// health says whether to send requests here: it does not ask Clerk, whose being
// away is no reason to restart a sidecar.
func (s *sidecar) health(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if s.draining.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "shutting down\n")
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}
