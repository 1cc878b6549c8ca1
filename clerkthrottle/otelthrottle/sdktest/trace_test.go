package sdktest

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// timeline formats spans as "name from–to", relative to the beginning.
func timeline(begin time.Time, spans tracetest.SpanStubs) []string {
	var all []string
	for _, s := range spans {
		all = append(all, s.Name+" "+s.StartTime.Sub(begin).String()+"–"+s.EndTime.Sub(begin).String())
	}
	return all
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %q, want %q", what, got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: %q, want %q", what, got[i], want[i])
		}
	}
}

// A wait is a span of its own, between those of otelhttp below the throttle. One
// token per 10 s, and a second in flight: the second request waits from 1 s to
// 11 s, and its attempt takes from 11 s to 12 s.
func TestWaitIsASpanBesideThoseOfOtelhttp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		clerk := clerktest.New(clerktest.WithLatency(clerktest.Constant(time.Second)))
		below := &lateBase{}
		l := newLab(t, clerkthrottle.WithBase(below), clerkthrottle.WithLimit("instance", 1, 10*time.Second))
		below.RoundTripper = otelhttp.NewTransport(clerk.RoundTripper(), otelhttp.WithTracerProvider(l.tracers))

		ctx, caller := l.tracers.Tracer("caller").Start(t.Context(), "caller")
		l.send(ctx, "GET", "/v1/users/"+aUser)
		l.send(ctx, "GET", "/v1/users/"+aUser)
		caller.End()

		spans := l.spans.GetSpans()
		equal(t, "spans", timeline(begin, spans), []string{
			"HTTP GET 0s–1s",
			"clerkthrottle.wait 1s–11s",
			"HTTP GET 11s–12s",
			"caller 0s–12s",
		})
		for _, s := range spans[:3] {
			if s.Parent.SpanID() != caller.SpanContext().SpanID() {
				t.Errorf("%s is not a child of the caller's span", s.Name)
			}
		}
		wait := spans[1]
		if wait.SpanKind != trace.SpanKindInternal {
			t.Errorf("its kind is %s", wait.SpanKind)
		}
		const want = "method=GET,template=/v1/users/{user_id},priority=normal,hold=limit,limit=instance"
		if got := encode(wait.Attributes); got != want {
			t.Errorf("its attributes are %s, want %s", got, want)
		}
	})
}

// lateBase is a base transport that is set after the throttle is created.
type lateBase struct{ http.RoundTripper }

// With otelhttp above the throttle, the wait is within its span.
func TestWaitIsWithinTheSpanOfOtelhttp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, clerkthrottle.WithBase(clerktest.New().RoundTripper()), clerkthrottle.WithLimit("instance", 1, 10*time.Second))
		client := &http.Client{Transport: otelhttp.NewTransport(l.throttle, otelhttp.WithTracerProvider(l.tracers))}
		for range 2 {
			req, _ := http.NewRequestWithContext(t.Context(), "GET", "https://api.clerk.com/v1/users", nil)
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
		spans := l.spans.GetSpans()
		if len(spans) != 3 || spans[1].Name != "clerkthrottle.wait" || spans[1].Parent.SpanID() != spans[2].SpanContext.SpanID() {
			t.Errorf("spans are %+v, want the wait within the second request's", spans)
		}
	})
}

// A 503 is retried after a pause, a 429 after the block: both show as events when
// they happen, and the block as a wait.
func TestRetriesAreEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		l := newLab(t, clerkthrottle.WithBase(roundTripper(func(*http.Request) (*http.Response, error) {
			switch sent++; sent {
			case 1:
				return answer(503, "Retry-After", "2"), nil
			case 2:
				return answer(429, "Retry-After", "7"), nil
			}
			return answer(200), nil
		})))
		begin := time.Now()
		ctx, caller := l.tracers.Tracer("caller").Start(t.Context(), "caller")
		if status := l.send(ctx, "GET", "/v1/users"); status != 200 {
			t.Fatal(status)
		}
		caller.End()
		spans := l.spans.GetSpans()
		equal(t, "spans", timeline(begin, spans), []string{"clerkthrottle.wait 2s–9s", "caller 0s–9s"})
		equal(t, "events", events(begin, spans[1].Events), []string{
			"clerkthrottle.retry 0s method=GET,template=/v1/users,error.type=503,http.request.resend_count=1,retry.pause=2",
			"clerkthrottle.retry 2s method=GET,template=/v1/users,error.type=429,http.request.resend_count=2",
		})
	})
}

func events(begin time.Time, list []sdktrace.Event) []string {
	var all []string
	for _, e := range list {
		all = append(all, e.Name+" "+e.Time.Sub(begin).String()+" "+encode(e.Attributes))
	}
	return all
}

// A refusal is an event with the reason, and how long the wait would have been.
func TestRefusalsAreEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, clerkthrottle.WithBase(clerktest.New().RoundTripper()),
			clerkthrottle.WithLimit("instance", 1, 10*time.Second), clerkthrottle.WithMaxWait(5*time.Second))
		begin := time.Now()
		ctx, caller := l.tracers.Tracer("caller").Start(t.Context(), "caller")
		l.send(ctx, "GET", "/v1/users")
		l.send(ctx, "GET", "/v1/users")
		_ = l.throttle.Close()
		l.send(ctx, "GET", "/v1/users")
		caller.End()
		spans := l.spans.GetSpans()
		equal(t, "spans", timeline(begin, spans), []string{"caller 0s–0s"})
		equal(t, "events", events(begin, spans[0].Events), []string{
			"clerkthrottle.refused 0s method=GET,template=/v1/users,priority=normal,hold=limit,limit=instance,reason=max_wait,wait=10,queue=0",
			"clerkthrottle.refused 0s method=GET,template=/v1/users,priority=normal,reason=closed",
		})
	})
}

// Without a recording span of the caller's, no span is made.
func TestNothingIsTracedUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, clerkthrottle.WithBase(clerktest.New().RoundTripper()), clerkthrottle.WithLimit("instance", 1, time.Second))
		dropped, caller := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())).Tracer("").Start(t.Context(), "caller")
		defer caller.End()
		for _, ctx := range []context.Context{t.Context(), dropped} {
			l.send(ctx, "GET", "/v1/users")
			l.send(ctx, "GET", "/v1/users")
		}
		if spans := l.spans.GetSpans(); len(spans) != 0 {
			t.Errorf("spans are %+v", spans)
		}
		if got := l.values("clerkthrottle.request.wait.duration"); len(got) != 2 {
			t.Errorf("waits are %v, want them measured all the same", got)
		}
	})
}
