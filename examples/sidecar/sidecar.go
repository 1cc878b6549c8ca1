package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/edge"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// A sidecar is the whole server but for its listeners.
type sidecar struct {
	guard             *guard
	keys              *keys
	ownKey            string // of requests that bring none
	callers           *callers
	trustedHops       int
	throttle          *transport.Transport
	entrance          *edge.Entrance
	backend, frontend http.Handler
	status            http.Handler
	health            edge.Health
	metrics           *edge.Metrics // nil: not asked for
	logger            *slog.Logger
	grace             time.Duration
	buffers           buffers
	close             func()
}

// The sidecar's own paths. Clerk has none that begin with /-/.
const (
	ownPaths   = "/-/"
	statusPath = "/-/status/"
)

func newSidecar(o *options, logger *slog.Logger) (*sidecar, error) {
	s := &sidecar{guard: newGuard(o), keys: newKeys(o.maxKeys), callers: newCallers(o), trustedHops: o.trustedHops, logger: logger, grace: o.Grace}
	if o.addKey {
		s.ownKey = o.key
	}
	opts := append(o.throttle(), clerkthrottle.WithBase(o.base), clerkthrottle.WithLogger(logger), clerkthrottle.WithReserve(clerkthrottle.Normal, o.reserve))
	closeStore := func() {}
	if o.redisOptions != nil {
		shared, err := newStore(o.redisOptions, logger)
		if err != nil {
			return nil, err
		}
		closeStore, s.health.Check = shared.close, shared.amiss
		opts = append(opts, clerkthrottle.WithBudget(shared.budget))
	}
	var err error
	if o.Metrics != "" {
		if s.metrics, err = edge.NewMetrics(); err != nil {
			return nil, err
		}
		opts = append(opts, clerkthrottle.WithObserver(s.metrics.Observer()))
	}
	if s.throttle, err = clerkthrottle.NewTransport(opts...); err != nil {
		return nil, err
	}
	if s.metrics != nil {
		s.metrics.Watch(s.throttle)
	}
	s.close = sync.OnceFunc(func() {
		_ = s.throttle.Close()
		closeStore()
		s.throttle.CloseIdleConnections()
	})
	s.entrance = o.Entrance(s.throttle, logger)
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
		visitor := "visitor " + edge.Neighbourhood(edge.ClientAddress(r, s.trustedHops))
		s.entrance.Serve(w, r, edge.Caller{Name: visitor, Priority: clerkthrottle.Normal}, s.frontend)
	case path == edge.HealthPath:
		s.health.ServeHTTP(w, r)
	case strings.HasPrefix(path, statusPath):
		s.status.ServeHTTP(w, r)
	case strings.HasPrefix(path, ownPaths):
		edge.Refuse(w, http.StatusNotFound, "resource_not_found", fmt.Sprintf("The sidecar has %s and %s.", edge.HealthPath, statusPath))
	case fromBrowser(r):
		edge.Refuse(w, http.StatusForbidden, "origin_invalid", "The Backend API is for servers: no web page may call it.")
	default:
		s.serveBackend(w, r)
	}
}

func (s *sidecar) serveBackend(w http.ResponseWriter, r *http.Request) {
	key, ours := s.keyOf(r)
	if !ours && !s.keys.admit(key, time.Now()) {
		edge.RetryAfter(w.Header(), keyMemory)
		edge.Refuse(w, http.StatusTooManyRequests, "too_many_requests", "Too many different secret keys are in use: see -max-keys.")
		return
	}
	s.entrance.Serve(w, r, s.callers.backend(r, key), s.backend)
}

// keyOf returns the secret key that a Backend request will be sent with, and
// whether it is the sidecar's own.
func (s *sidecar) keyOf(r *http.Request) (key string, ours bool) {
	token := r.Header.Get("Authorization")
	if s.ownKey != "" && (token == "" || token == "Bearer "+placeholder) {
		return s.ownKey, true
	}
	return strings.TrimPrefix(token, "Bearer "), false
}
