package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/edge"
)

// A sidecar is the whole server but for its listeners.
type sidecar struct {
	*edge.Server
	hosts             []string // names that it may be called by; nil: any
	ownKey            string   // of requests that bring none
	callers           *callers
	backend, frontend http.Handler
	status            http.Handler
	store             *store
}

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
	s := &sidecar{Server: server, hosts: o.knownHosts(), callers: newCallers(o), store: shared}
	s.Handler, s.Check = s, shared.wrong
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
		s.ServeHealth(w, r)
	case strings.HasPrefix(path, statusPath):
		s.status.ServeHTTP(w, r)
	case strings.HasPrefix(path, ownPaths):
		edge.Refuse(w, http.StatusNotFound, "resource_not_found", fmt.Sprintf("The sidecar has %s and %s.", edge.HealthPath, statusPath))
	case fromBrowser(r):
		edge.Refuse(w, http.StatusForbidden, "origin_invalid", "The Backend API is for servers: no web page may call it.")
	default:
		key, _ := s.keyOf(r)
		s.Entrance.Serve(w, r, s.callers.backend(r, key), s.backend)
	}
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
