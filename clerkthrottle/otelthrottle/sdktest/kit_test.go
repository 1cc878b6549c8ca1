package sdktest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/otelthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Ids and keys that are easy to search for.
const (
	aKey  = "sk_test_RECOGNISABLEtestKEY0123456789abcdefghij"
	aUser = "user_2NNEqL2nrIRdJ194ndJqAHwEfxC"
)

// lab is a throttle with all instrumentation.
type lab struct {
	*testing.T
	in       *otelthrottle.Instrumentation
	throttle *transport.Transport
	reader   *sdkmetric.ManualReader
	spans    *tracetest.InMemoryExporter
	tracers  *sdktrace.TracerProvider
}

func newLab(t *testing.T, opts ...clerkthrottle.Option) *lab {
	t.Helper()
	l := &lab{T: t, reader: sdkmetric.NewManualReader(), spans: tracetest.NewInMemoryExporter()}
	l.tracers = sdktrace.NewTracerProvider(sdktrace.WithSyncer(l.spans))
	var err error
	l.in, err = otelthrottle.New(
		otelthrottle.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(l.reader))),
		otelthrottle.WithTracerProvider(l.tracers),
	)
	if err != nil {
		t.Fatal(err)
	}
	l.throttle, err = clerkthrottle.NewTransport(append([]clerkthrottle.Option{
		clerkthrottle.WithObserver(l.in.Observer()),
		clerkthrottle.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	l.in.Watch(l.throttle)
	t.Cleanup(func() { _ = l.throttle.Close() })
	return l
}

// send sends a request and returns its status, or 0 without an answer.
func (l *lab) send(ctx context.Context, method, path string) int {
	req, err := http.NewRequestWithContext(ctx, method, "https://api.clerk.com"+path, nil)
	if err != nil {
		l.Error(err)
		return 0
	}
	req.Header.Set("Authorization", "Bearer "+aKey)
	resp, err := l.throttle.RoundTrip(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp.StatusCode
}

// collect returns the collected metrics by instrument name.
func (l *lab) collect() map[string]metricdata.Metrics {
	l.Helper()
	var rm metricdata.ResourceMetrics
	if err := l.reader.Collect(l.Context(), &rm); err != nil {
		l.Fatal(err)
	}
	all := make(map[string]metricdata.Metrics)
	for _, scope := range rm.ScopeMetrics {
		if scope.Scope.Name != otelthrottle.ScopeName {
			continue
		}
		for _, m := range scope.Metrics {
			all[m.Name] = m
		}
	}
	return all
}

// values returns an instrument's values by attributes, such as "a=1,b=2". For a
// histogram that is the count, and with "sum" before the attributes the sum.
func (l *lab) values(name string) map[string]float64 {
	l.Helper()
	values := make(map[string]float64)
	switch data := l.collect()[name].Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			values[encode(p.Attributes.ToSlice())] = float64(p.Value)
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			values[encode(p.Attributes.ToSlice())] = p.Value
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			values[encode(p.Attributes.ToSlice())] = float64(p.Count)
			values["sum "+encode(p.Attributes.ToSlice())] = p.Sum
		}
	case nil:
	default:
		l.Fatalf("%s: %T", name, data)
	}
	return values
}

// want compares all values of an instrument.
func (l *lab) want(name string, want map[string]float64) {
	l.Helper()
	got := l.values(name)
	for attributes, value := range want {
		if g, ok := got[attributes]; !ok || g < value-1e-6 || g > value+1e-6 {
			l.Errorf("%s{%s} is %v, want %v", name, attributes, g, value)
		}
	}
	for attributes, value := range got {
		if _, ok := want[attributes]; !ok {
			l.Errorf("%s{%s} is %v, want none", name, attributes, value)
		}
	}
}

// encode formats attributes with the names in the package comment's table.
func encode(all []attribute.KeyValue) string {
	parts := make([]string, len(all))
	for i, a := range all {
		parts[i] = short(a.Key) + "=" + a.Value.String()
	}
	return strings.Join(parts, ",")
}

func short(k attribute.Key) string {
	switch k {
	case "http.request.method":
		return "method"
	case "url.template":
		return "template"
	case "clerkthrottle.limit.name":
		return "limit"
	}
	return strings.TrimPrefix(string(k), "clerkthrottle.")
}

// roundTripper makes a function a base transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Header: h, Body: io.NopCloser(strings.NewReader("{}"))}
}
