// Command sidecar puts one throttle in front of programs that are not written in
// Go: they point their Clerk API URL at it, and share one budget.
//
//	go run ./examples/sidecar
//	CLERK_API_URL=http://127.0.0.1:8787 node server.js
//
// It is a reverse proxy for Clerk's Backend API and, below /__clerk, for the
// Frontend API. Requests that Clerk's limits leave no room for wait their turn;
// one that would wait too long is answered 429, as Clerk would have.
//
// It listens on loopback unless told otherwise, and forwards to its two fixed
// upstreams and nowhere else. See the README for how to run it, and for what
// else it answers: /-/health and the throttle's status page, /-/status/.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis/go-redis/v9/logging"

	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	o, err := parseOptions(os.Args[1:], os.Getenv, os.Stdout)
	if err == nil {
		logging.Disable() // the budget tells when Redis goes and comes back
		o.LimitMemory()
		err = run(ctx, o, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	}
	os.Exit(flags.Exit("sidecar", err, os.Stderr))
}

// run serves until ctx ends, and then lets what is under way finish.
func run(ctx context.Context, o *options, logger *slog.Logger) error {
	s, err := newSidecar(o, logger)
	if err != nil {
		return err
	}
	defer s.close()
	if amiss := s.Health.Amiss(ctx); amiss != "" {
		logger.Warn(amiss)
	}
	return s.Run(ctx, "backend", o.backend.String(), "frontend", o.frontend.String())
}
