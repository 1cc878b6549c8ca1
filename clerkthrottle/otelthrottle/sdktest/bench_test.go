package sdktest

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/otelthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

func newInstrumentation(tb testing.TB) *otelthrottle.Instrumentation {
	tb.Helper()
	in, err := otelthrottle.New(otelthrottle.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))))
	if err != nil {
		tb.Fatal(err)
	}
	return in
}

// undisturbed returns a function that sends a request that does not wait.
func undisturbed(tb testing.TB, opts ...clerkthrottle.Option) func() {
	tb.Helper()
	ok := answer(http.StatusOK)
	ok.Body = http.NoBody
	rt, err := clerkthrottle.NewTransport(append([]clerkthrottle.Option{
		clerkthrottle.WithBase(roundTripper(func(*http.Request) (*http.Response, error) { return ok, nil })),
		clerkthrottle.WithLimit("instance", 1<<22, time.Nanosecond),
		clerkthrottle.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = rt.Close() })
	req, err := http.NewRequest("GET", "https://api.clerk.com/v1/users/"+aUser, nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+aKey)
	return func() {
		if _, err := rt.RoundTrip(req); err != nil {
			tb.Fatal(err)
		}
	}
}

// The cost of metrics per request: Enabled against Disabled, as the difference and
// the ratio.
func BenchmarkRoundTrip(b *testing.B) {
	var perOp [2]float64
	for i, bb := range []struct {
		name string
		opts func(testing.TB) []clerkthrottle.Option
	}{
		{"Disabled", func(testing.TB) []clerkthrottle.Option { return nil }},
		{"Enabled", func(tb testing.TB) []clerkthrottle.Option {
			return []clerkthrottle.Option{clerkthrottle.WithObserver(newInstrumentation(tb).Observer())}
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			send := undisturbed(b, bb.opts(b)...)
			send()
			b.ReportAllocs()
			for b.Loop() {
				send()
			}
			perOp[i] = float64(b.Elapsed().Nanoseconds()) / float64(b.N)
			if i == 1 && perOp[0] > 0 {
				b.ReportMetric(perOp[1]-perOp[0], "ns-more/op")
				b.ReportMetric(perOp[1]/perOp[0], "ratio")
			}
		})
	}
}

// The cost of the observer itself, by event.
func BenchmarkObserver(b *testing.B) {
	o := newInstrumentation(b).Observer()
	ctx := context.Background()
	b.Run("Answered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			o.Answered(ctx, anAnswer)
		}
	})
	b.Run("AnsweredParallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				o.Answered(ctx, anAnswer)
			}
		})
	})
	traced, span := sdktrace.NewTracerProvider().Tracer("").Start(ctx, "sampled") // measurements get exemplars
	defer span.End()
	b.Run("AnsweredTraced", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			o.Answered(traced, anAnswer)
		}
	})
	b.Run("Waited", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			o.Waited(ctx, aWait)
		}
	})
}

var (
	anAnswer = transport.AnswerEvent{Endpoint: "GET /v1/users/{user_id}", Key: "k", Attempt: 1, Status: 200, Outcome: "answered"}
	aWait    = transport.WaitEvent{Endpoint: "GET /v1/users/{user_id}", Key: "k", Hold: transport.HoldLimit, Limit: "instance", Wait: time.Second}
	aRefusal = &transport.ThrottledError{Endpoint: "GET /v1/users/{user_id}", Reason: transport.ReasonMaxWait, Hold: transport.HoldLimit, Limit: "instance"}
	aRetry   = transport.RetryEvent{Endpoint: "GET /v1/users/{user_id}", Attempt: 1, Status: 429}
	aBlock   = transport.BlockEvent{Endpoint: "GET /v1/users/{user_id}", For: time.Second}
)

// Metrics do not allocate, whatever the event; nor does tracing, if no span is
// recording.
func TestObserverDoesNotAllocate(t *testing.T) {
	o, ctx := newInstrumentation(t).Observer(), context.Background()
	for name, tell := range map[string]func(){
		"Answered": func() { o.Answered(ctx, anAnswer) },
		"Waited":   func() { o.Waited(ctx, aWait) },
		"Refused":  func() { o.Refused(ctx, aRefusal) },
		"Retrying": func() { o.Retrying(ctx, aRetry) },
		"Blocked":  func() { o.Blocked(aBlock) },
	} {
		tell() // the first one makes the attribute set
		if n := testing.AllocsPerRun(100, tell); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A request allocates as often with metrics as without.
func TestRequestAllocatesNoMore(t *testing.T) {
	without := undisturbed(t)
	with := undisturbed(t, clerkthrottle.WithObserver(newInstrumentation(t).Observer()))
	without()
	with()
	plain, measured := testing.AllocsPerRun(100, without), testing.AllocsPerRun(100, with)
	if measured > plain {
		t.Errorf("%v allocations with metrics, %v without", measured, plain)
	}
}
