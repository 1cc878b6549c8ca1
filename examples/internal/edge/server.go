package edge

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Server returns a server of the handler whose clients cannot hold a connection
// by sending slowly, or memory by sending long headers. The time for bodies is
// an [Entrance]'s business.
func Server(h http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}

// Serve serves until ctx ends. Then it accepts no more connections, and requests
// have the grace period to finish. After it hurry is called, which is to end
// those that still wait for the limit; they have a second to be told so.
func Serve(ctx context.Context, server *http.Server, listener net.Listener, grace time.Duration, hurry func()) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	err := shutdown(ctx, server, grace)
	if errors.Is(err, context.DeadlineExceeded) {
		hurry()
		err = errors.Join(shutdown(ctx, server, time.Second), server.Close())
	}
	return err
}

func shutdown(ctx context.Context, server *http.Server, grace time.Duration) error {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return server.Shutdown(last)
}
