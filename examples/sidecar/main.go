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
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	o, err := parseOptions(os.Args[1:], os.Getenv, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(ctx, o, logger)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sidecar:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and then lets what is under way finish.
func run(ctx context.Context, o *options, logger *slog.Logger) error {
	s, err := newSidecar(o, logger)
	if err != nil {
		return err
	}
	defer s.close()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	logger.Info("listening", "address", "http://"+listener.Addr().String(), "backend", o.backend.String(), "frontend", o.frontend.String())
	return s.serve(ctx, listener)
}

// serve answers until ctx ends. Then the health endpoint says so, no connection
// is accepted any more, and requests have until the grace period ends; those
// that still wait for the limit by then are refused.
func (s *sidecar) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.logger.Info("shutting down", "grace", s.grace)
	s.draining.Store(true)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.grace)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		s.close() // whoever still waits in line is refused
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		err = errors.Join(server.Shutdown(last), server.Close())
	}
	return err
}
