package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/otelthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Main is the main function of a proxy. It runs it until it is told to stop, and
// returns the exit code.
func Main[O interface{ LimitMemory() }](name string, parse func(args []string, getenv func(string) string, out io.Writer) (O, error), run func(context.Context, O, *slog.Logger) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	o, err := parse(os.Args[1:], os.Getenv, os.Stdout)
	if err == nil {
		o.LimitMemory()
		err = run(ctx, o, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	}
	return flags.Exit(name, err, os.Stderr)
}

// A Server is a proxy with its throttle, ready to serve.
type Server struct {
	Options  *Options
	Logger   *slog.Logger
	Handler  http.Handler
	Throttle *transport.Transport
	Entrance *Entrance // stands before the throttle
	// Proxied: all connections are those of a web server before it, so they are not
	// shared out among those who open them.
	Proxied bool
	// Check, if set, returns what is wrong, in words, where requests are served all
	// the same; "" if nothing is.
	Check func(context.Context) string

	draining atomic.Bool
	metrics  http.Handler // nil: not asked for
}

// NewServer returns a server with a throttle of these options, and measures it
// for Prometheus where that is asked for.
func (o *Options) NewServer(logger *slog.Logger, opts ...clerkthrottle.Option) (*Server, error) {
	opts = append(opts, clerkthrottle.WithMaxWait(o.MaxWait), clerkthrottle.WithLogger(logger))
	s := &Server{Options: o, Logger: logger}
	watch := func(*transport.Transport) {}
	if o.Metrics != "" {
		registry := prometheus.NewRegistry()
		registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
		if err != nil {
			return nil, err
		}
		in, err := otelthrottle.New(otelthrottle.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))))
		if err != nil {
			return nil, err
		}
		opts = append(opts, clerkthrottle.WithObserver(in.Observer()))
		s.metrics, watch = promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), func(t *transport.Transport) { in.Watch(t) }
	}
	var err error
	if s.Throttle, err = clerkthrottle.NewTransport(opts...); err != nil {
		return nil, err
	}
	watch(s.Throttle)
	s.Entrance = o.entrance(s.Throttle, logger)
	return s, nil
}

// Close ends the throttle.
func (s *Server) Close() {
	_ = s.Throttle.Close()
	s.Throttle.CloseIdleConnections()
}

// Run listens, and serves until ctx ends; the log tells where, and about what.
func (s *Server) Run(ctx context.Context, about ...any) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Options.Listen)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	if s.metrics != nil {
		// A monitor that reaches this need not reach the proxy.
		monitored, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Options.Metrics)
		if err != nil {
			return errors.Join(fmt.Errorf("-metrics: %w", err), listener.Close())
		}
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", s.metrics)
		mux.HandleFunc("GET "+HealthPath, s.ServeHealth)
		server := s.server(mux)
		server.WriteTimeout = 30 * time.Second
		go func() { _ = server.Serve(monitored) }()
		defer func() { _ = server.Close() }()
		s.Logger.Info("metrics", "address", "http://"+monitored.Addr().String()+"/metrics")
	}
	s.Logger.Info("listening", append([]any{"address", "http://" + listener.Addr().String(), "version", flags.Version()}, about...)...)
	return s.Serve(ctx, listener)
}

// Serve serves until ctx ends. Then it accepts no more connections, its health
// says so, and requests have the grace period to finish. After that the throttle
// is closed, which ends those that still wait for the limit; they have a second
// to be told so.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	if !s.Proxied {
		listener = &Listener{listener, NewPool(int64(s.Options.maxConnections))}
	}
	server := s.server(s.Handler)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.Logger.Info("shutting down", "grace", s.Options.Grace)
	shutdown := func(patience time.Duration) error {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		return server.Shutdown(last)
	}
	err := shutdown(s.Options.Grace)
	if errors.Is(err, context.DeadlineExceeded) {
		_ = s.Throttle.Close()
		err = errors.Join(shutdown(time.Second), server.Close())
	}
	return err
}

// HealthPath is where a proxy says how it is.
const HealthPath = "/-/health"

// ServeHealth says whether to send requests here. It does not ask Clerk: that
// Clerk is down is no reason to restart a proxy.
func (s *Server) ServeHealth(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	says := "ok"
	if s.draining.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		says = "shutting down"
	} else if s.Check != nil {
		if wrong := s.Check(r.Context()); wrong != "" {
			says = "degraded: " + wrong
		}
	}
	_, _ = io.WriteString(w, says+"\n")
}

// server returns a server whose clients cannot hold a connection by sending
// slowly, or memory by sending long headers. The time for bodies is an
// [Entrance]'s business.
func (s *Server) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.Logger.Handler(), slog.LevelWarn),
	}
}
