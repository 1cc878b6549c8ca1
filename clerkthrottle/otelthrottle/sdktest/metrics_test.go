package sdktest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// Development has 100 tokens per 10 s. 110 requests at 0: 100 go at once, 10
// wait for the first tokens to come back, and then all have been answered.
func TestAttemptsAreCountedAndWaitsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clerk := clerktest.New()
		l := newLab(t, clerkthrottle.WithBase(clerk.RoundTripper()))
		var all sync.WaitGroup
		for range 110 {
			all.Go(func() { l.send(t.Context(), "GET", "/v1/users") })
		}
		all.Wait()
		l.want("clerkthrottle.requests", map[string]float64{
			"outcome=answered,priority=normal,method=GET,template=/v1/users": 110,
		})
		l.want("clerkthrottle.request.wait.duration", map[string]float64{
			"hold=limit,limit=instance,priority=normal,method=GET,template=/v1/users":     10,
			"sum hold=limit,limit=instance,priority=normal,method=GET,template=/v1/users": 100,
		})
		h := l.collect()["clerkthrottle.request.wait.duration"].Data.(metricdata.Histogram[float64]).DataPoints[0]
		if i := len(h.Bounds); i != 14 || h.Bounds[0] != 0.005 || h.Bounds[i-1] != 60 {
			t.Errorf("bounds are %v", h.Bounds)
		}
	})
}

// Waiting requests are counted by class, from the context or the transport's default.
func TestPriorityIsTheContextsOrTheDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, clerkthrottle.WithBase(clerktest.New().RoundTripper()),
			clerkthrottle.WithLimit("instance", 1, time.Second), clerkthrottle.WithDefaultPriority(clerkthrottle.Batch))
		l.send(t.Context(), "GET", "/v1/users")
		l.send(clerkthrottle.WithPriority(t.Context(), clerkthrottle.Interactive), "GET", "/v1/users")
		l.want("clerkthrottle.requests", map[string]float64{
			"outcome=answered,priority=batch,method=GET,template=/v1/users":       1,
			"outcome=answered,priority=interactive,method=GET,template=/v1/users": 1,
		})
		l.want("clerkthrottle.request.wait.duration", map[string]float64{
			"hold=limit,limit=instance,priority=interactive,method=GET,template=/v1/users":     1,
			"sum hold=limit,limit=instance,priority=interactive,method=GET,template=/v1/users": 1,
		})
	})
}

// A 429 blocks the endpoint for 7 s; then the same request is retried.
func TestBlocksAndRetriesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		l := newLab(t, clerkthrottle.WithBase(roundTripper(func(*http.Request) (*http.Response, error) {
			if sent++; sent == 1 {
				return answer(429, "Retry-After", "7"), nil
			}
			return answer(200), nil
		})))
		if status := l.send(t.Context(), "PATCH", "/v1/users/"+aUser); status != 200 {
			t.Fatal(status)
		}
		const endpoint = "method=PATCH,template=/v1/users/{user_id}"
		l.want("clerkthrottle.requests", map[string]float64{
			"outcome=throttled,priority=normal,error.type=429," + endpoint: 1,
			"outcome=answered,priority=normal," + endpoint:                 1,
		})
		l.want("clerkthrottle.blocks", map[string]float64{endpoint: 1})
		l.want("clerkthrottle.retries", map[string]float64{"error.type=429," + endpoint: 1})
		l.want("clerkthrottle.request.wait.duration", map[string]float64{
			"hold=block,priority=normal," + endpoint:     1,
			"sum hold=block,priority=normal," + endpoint: 7,
		})
	})
}

// Refusals are counted by reason, and by what the request would have waited for.
func TestRefusalsAreCountedByReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, clerkthrottle.WithBase(clerktest.New().RoundTripper()),
			clerkthrottle.WithLimit("instance", 1, 10*time.Second), clerkthrottle.WithMaxWait(5*time.Second))
		l.send(t.Context(), "GET", "/v1/users")
		l.send(t.Context(), "GET", "/v1/users")
		hurry, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		l.send(hurry, "GET", "/v1/users")
		_ = l.throttle.Close()
		l.send(t.Context(), "GET", "/v1/users")
		l.want("clerkthrottle.requests", map[string]float64{
			"outcome=answered,priority=normal,method=GET,template=/v1/users":                                              1,
			"hold=limit,limit=instance,outcome=refused,priority=normal,error.type=max_wait,method=GET,template=/v1/users": 1,
			"hold=limit,limit=instance,outcome=refused,priority=normal,error.type=deadline,method=GET,template=/v1/users": 1,
			"outcome=refused,priority=normal,error.type=closed,method=GET,template=/v1/users":                             1,
		})
	})
}

// Every outcome of an attempt, and the statuses that are errors.
func TestEveryOutcomeHasItsLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ruled := clerktest.ProductRule("signup_rate_limit_exceeded")
		for _, tt := range []struct {
			name string
			base roundTripper
			want string
		}{
			{"answered", func(*http.Request) (*http.Response, error) { return answer(201), nil }, "outcome=answered,priority=normal"},
			{"client error", func(*http.Request) (*http.Response, error) { return answer(404), nil }, "outcome=answered,priority=normal,error.type=404"},
			{"server error", func(*http.Request) (*http.Response, error) { return answer(500), nil }, "outcome=answered,priority=normal,error.type=500"},
			{"made-up status", func(*http.Request) (*http.Response, error) { return answer(777), nil }, "outcome=answered,priority=normal,error.type=_OTHER"},
			{"broken", func(*http.Request) (*http.Response, error) { return nil, errors.New("broken") }, "outcome=failed,priority=normal,error.type=_OTHER"},
			{"unsent", func(*http.Request) (*http.Response, error) {
				return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
			}, "outcome=unsent,priority=normal,error.type=_OTHER"},
			{"ruled", clerktest.New(clerktest.WithFault(func(*http.Request, int) clerktest.Fault { return ruled })).RoundTripper().RoundTrip,
				"outcome=ruled,priority=normal,error.type=429"},
		} {
			l := newLab(t, clerkthrottle.WithBase(tt.base), clerkthrottle.WithMaxWait(0))
			l.send(t.Context(), "POST", "/v1/users")
			if got := l.values("clerkthrottle.requests"); got[tt.want+",method=POST,template=/v1/users"] != 1 || len(got) != 1 {
				t.Errorf("%s: %v", tt.name, got)
			}
		}
	})
}

// A dry run's waits are marked: no request was delayed.
func TestWaitsOfADryRunAreMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, clerkthrottle.WithBase(clerktest.New().RoundTripper()),
			clerkthrottle.WithLimit("instance", 1, 10*time.Second), clerkthrottle.WithDryRun())
		begin := time.Now()
		ctx, span := l.tracers.Tracer("caller").Start(t.Context(), "caller")
		l.send(ctx, "GET", "/v1/users")
		l.send(ctx, "GET", "/v1/users")
		span.End()
		if time.Since(begin) != 0 {
			t.Errorf("waited %s", time.Since(begin))
		}
		const attributes = "dry_run=true,hold=limit,limit=instance,priority=normal,method=GET,template=/v1/users"
		l.want("clerkthrottle.request.wait.duration", map[string]float64{attributes: 1, "sum " + attributes: 10})
		spans := l.spans.GetSpans()
		if len(spans) != 1 || len(spans[0].Events) != 1 || spans[0].Events[0].Name != "clerkthrottle.wait" {
			t.Errorf("spans are %+v, want the caller's with an event", spans)
		}
	})
}
