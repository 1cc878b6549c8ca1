package sdktest

import (
	"errors"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/otelthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

func TestWrongOptionIsRefused(t *testing.T) {
	right := otelthrottle.WithMeterProvider(noop.NewMeterProvider())
	for want, opt := range map[string]otelthrottle.Option{
		"WithMeterProvider(nil): the provider is nil":  otelthrottle.WithMeterProvider(nil),
		"WithTracerProvider(nil): the provider is nil": otelthrottle.WithTracerProvider(nil),
		"option number 2 is nil":                       nil,
	} {
		if in, err := otelthrottle.New(right, opt); in != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New returned %v, %v; want an error with %q", in, err, want)
		}
	}
}

// failing is a meter provider that cannot make counters.
type failing struct{ noop.MeterProvider }

func (failing) Meter(string, ...metric.MeterOption) metric.Meter { return failingMeter{} }

type failingMeter struct{ noop.Meter }

func (failingMeter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errors.New("no " + name)
}

func TestInstrumentThatCannotBeMadeIsAnError(t *testing.T) {
	_, err := otelthrottle.New(otelthrottle.WithMeterProvider(failing{}))
	if err == nil || !strings.Contains(err.Error(), "otelthrottle: no clerkthrottle.requests") {
		t.Errorf("New returned %v", err)
	}
}

// Without options the global providers are used, even those that are set later.
func TestGlobalProvidersAreTheDefault(t *testing.T) {
	in, err := otelthrottle.New()
	if err != nil {
		t.Fatal(err)
	}
	o := in.Observer()
	o.Answered(t.Context(), transport.AnswerEvent{Endpoint: "GET /v1/users"}) // no provider is set

	reader, spans := sdkmetric.NewManualReader(), tracetest.NewInMemoryExporter()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)))
	ctx, caller := otel.Tracer("caller").Start(t.Context(), "caller")
	o.Waited(ctx, transport.WaitEvent{Endpoint: "GET /v1/users"})
	caller.End()
	var rm metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	if len(rm.ScopeMetrics) != 1 || rm.ScopeMetrics[0].Scope.Name != otelthrottle.ScopeName || rm.ScopeMetrics[0].Metrics[0].Name != "clerkthrottle.request.wait.duration" {
		t.Errorf("metrics are %+v", rm.ScopeMetrics)
	}
	if got := spans.GetSpans(); len(got) != 2 || got[0].InstrumentationScope.Name != otelthrottle.ScopeName {
		t.Errorf("spans are %+v", got)
	}
}
