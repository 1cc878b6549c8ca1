package main

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/edge"
)

// A sidecar is the whole server but for its listeners.
type sidecar struct {
	*edge.Server
	hosts             []string                             // names that it may be called by; nil: any
	keys              *recent[[sha256.Size]byte, struct{}] // in use
	ownKey            string                               // of requests that bring none
	callers           *callers
	backend, frontend http.Handler
	status            http.Handler
	store             *store // nil: none
}

// keyMemory is how long a secret key counts as in use after a request with it: as
// long as the throttle remembers it, and more. Each has buckets there.
const keyMemory = time.Minute

// The sidecar's own paths. Clerk has none that begin with /-/.
const (
	ownPaths   = "/-/"
	statusPath = "/-/status/"
)

func newSidecar(o *options, logger *slog.Logger) (*sidecar, error) {
	opts := []clerkthrottle.Option{
		clerkthrottle.WithBase(o.base),
		clerkthrottle.WithHeadroom(o.headroom),
		clerkthrottle.WithHosts(o.backend.Hostname(), o.frontend.Hostname()),
		clerkthrottle.WithReserve(clerkthrottle.Normal, o.reserve),
	}
	opts = append(opts, o.limit.Options()...)
	var shared *store
	if o.redisOptions != nil {
		var err error
		if shared, err = newStore(o.redisOptions, logger); err != nil {
			return nil, err
		}
		opts = append(opts, clerkthrottle.WithBudget(shared.budget))
	}
	server, err := o.NewServer(logger, opts...)
	if err != nil {
		shared.close()
		return nil, err
	}
	s := &sidecar{Server: server, hosts: o.knownHosts(), keys: newRecent[[sha256.Size]byte, struct{}](o.maxKeys, keyMemory), callers: newCallers(o), store: shared}
	s.Handler = s
	if shared != nil {
		s.Health.Check = shared.amiss
	}
	if o.addKey {
		s.ownKey = o.key
	}
	s.backend, s.frontend = s.newBackendProxy(o), s.newFrontendProxy(o)
	s.status = statuspage.New(s.Throttle, statuspage.WithTitle("Clerk sidecar"))
	return s, nil
}

func (s *sidecar) close() {
	s.Close()
	s.store.close()
}

// ServeHTTP sends a request to where its path belongs. It does not clean paths:
// Clerk is to see what the client sent.
func (s *sidecar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.admit(w, r) {
		return
	}
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, frontendPrefix+"/"):
		visitor := "visitor " + edge.Neighbourhood(edge.ClientAddress(r, s.Options.TrustedHops))
		s.Entrance.Serve(w, r, edge.Caller{Name: visitor, Priority: clerkthrottle.Normal}, s.frontend)
	case path == edge.HealthPath:
		s.Health.ServeHTTP(w, r)
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
	if !ours {
		if _, ok := s.keys.get(sha256.Sum256([]byte(key)), time.Now(), func() (v struct{}) { return v }); !ok {
			edge.RetryAfter(w.Header(), keyMemory)
			edge.Refuse(w, http.StatusTooManyRequests, "too_many_requests", "Too many different secret keys are in use: see -max-keys.")
			return
		}
	}
	s.Entrance.Serve(w, r, s.callers.backend(r, key), s.backend)
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
