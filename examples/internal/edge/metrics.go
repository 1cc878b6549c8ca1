package edge

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/otelthrottle"
)

// Metrics measures a throttle, and the process, for Prometheus.
type Metrics struct {
	*otelthrottle.Instrumentation
	http.Handler
}

// NewMetrics returns metrics of nothing but the process: give their Observer to
// a throttle, and have them Watch it.
func NewMetrics() (*Metrics, error) {
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
	return &Metrics{in, promhttp.HandlerFor(registry, promhttp.HandlerOpts{})}, nil
}

// ServeMetrics serves /metrics and /-/health on an address of their own, until
// stop is called: a monitor that reaches it need not reach the proxy.
func ServeMetrics(ctx context.Context, address string, metrics, health http.Handler, logger *slog.Logger) (stop func(), err error) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.Handle("GET "+HealthPath, health)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("-metrics: %w", err)
	}
	server := Server(mux, logger)
	server.WriteTimeout = 30 * time.Second
	go func() { _ = server.Serve(listener) }()
	logger.Info("metrics", "address", "http://"+listener.Addr().String()+"/metrics")
	return func() { _ = server.Close() }, nil
}
