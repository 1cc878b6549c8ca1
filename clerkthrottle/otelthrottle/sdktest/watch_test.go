package sdktest

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// Of 5 tokens, 3 are in flight for a second and then return for 10 s; of 4 more
// requests 2 find tokens, and 2 wait.
func TestTokensAddUpToTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clerk := clerktest.New(clerktest.WithLatency(clerktest.Constant(time.Second)))
		l := newLab(t, clerkthrottle.WithBase(clerk.RoundTripper()), clerkthrottle.WithLimit("instance", 5, 10*time.Second))
		tokens := func(free, inFlight, returning float64) {
			t.Helper()
			l.want("clerkthrottle.token.usage", map[string]float64{
				"limit=instance,token.state=free":      free,
				"limit=instance,token.state=in_flight": inFlight,
				"limit=instance,token.state=returning": returning,
			})
			l.want("clerkthrottle.token.limit", map[string]float64{"limit=instance": 5})
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { l.send(t.Context(), "GET", "/v1/users") })
		}
		synctest.Wait()
		tokens(2, 3, 0)
		all.Wait() // at 1 s
		tokens(2, 0, 3)
		for range 4 {
			all.Go(func() { l.send(clerkthrottle.WithPriority(t.Context(), clerkthrottle.Batch), "GET", "/v1/users") })
		}
		synctest.Wait()
		tokens(0, 2, 3)
		l.want("clerkthrottle.waiting_requests", map[string]float64{
			"limit=instance,priority=interactive":                0,
			"limit=instance,priority=normal":                     0,
			"limit=instance,priority=batch":                      2,
			"priority=interactive,method=GET,template=/v1/users": 0,
			"priority=normal,method=GET,template=/v1/users":      0,
			"priority=batch,method=GET,template=/v1/users":       0,
		})
		l.want("clerkthrottle.bucket.count", map[string]float64{
			"bucket.state=available,limit=instance": 0,
			"bucket.state=exhausted,limit=instance": 1,
		})
		all.Wait()
	})
}

// While a block lasts it shows, with the time left.
func TestBlockShowsWhileItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, clerkthrottle.WithMaxWait(0), clerkthrottle.WithBase(roundTripper(func(*http.Request) (*http.Response, error) {
			return answer(429, "Retry-After", "7"), nil
		})))
		l.send(t.Context(), "GET", "/v1/users")
		time.Sleep(3 * time.Second)
		const endpoint = "method=GET,template=/v1/users"
		l.want("clerkthrottle.blocked_endpoints", map[string]float64{endpoint: 1})
		l.want("clerkthrottle.block.remaining", map[string]float64{endpoint: 4})
		l.want("clerkthrottle.rate.documented", map[string]float64{endpoint: 10})
		if learned := l.values("clerkthrottle.rate.learned")[endpoint]; learned <= 0 || learned >= 10 {
			t.Errorf("the learned rate is %v, want less than the documented one", learned)
		}
		time.Sleep(4 * time.Second)
		l.want("clerkthrottle.blocked_endpoints", map[string]float64{endpoint: 0})
		l.want("clerkthrottle.block.remaining", map[string]float64{endpoint: 0})
	})
}

// Buckets of single users are one series: 2 users, one of whom has used up all 3
// tokens.
func TestPrivateBucketsAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, clerkthrottle.WithBase(clerktest.New().RoundTripper()),
			clerkthrottle.WithLimit("PATCH /v1/users/{user_id}", 3, 10*time.Second))
		for range 3 {
			l.send(t.Context(), "PATCH", "/v1/users/"+aUser)
		}
		l.send(t.Context(), "PATCH", "/v1/users/user_other")
		const row = "limit=PATCH /v1/users/{user_id}"
		got := l.values("clerkthrottle.token.usage")
		if got[row+",token.state=free"] != 2 || got[row+",token.state=returning"] != 4 {
			t.Errorf("tokens are %v", got)
		}
		l.want("clerkthrottle.token.limit", map[string]float64{row: 6, "limit=instance": 100})
		l.want("clerkthrottle.bucket.count", map[string]float64{
			"bucket.state=available," + row:         1,
			"bucket.state=exhausted," + row:         1,
			"bucket.state=available,limit=instance": 1,
			"bucket.state=exhausted,limit=instance": 0,
		})
	})
}

// fixed is a source with a constant snapshot.
type fixed snapshot.Snapshot

func (f *fixed) Snapshot() snapshot.Snapshot { return snapshot.Snapshot(*f) }

// Several throttles add up, until they are no longer watched.
func TestWatchedThrottlesAddUp(t *testing.T) {
	l := newLab(t)
	source := &fixed{Limits: []snapshot.Limit{{Name: "instance", N: 7, Free: 7}}}
	first := l.in.Watch(source)
	second := l.in.Watch(source)
	l.in.Watch(nil)()
	l.want("clerkthrottle.token.limit", map[string]float64{"limit=instance": 14})
	first()
	first()
	l.want("clerkthrottle.token.limit", map[string]float64{"limit=instance": 7})
	second()
	l.want("clerkthrottle.token.limit", nil)
}

// No rate is learned for a client's address, so none is reported.
func TestEndpointWithoutARateReportsNone(t *testing.T) {
	l := newLab(t)
	l.in.Watch(&fixed{Endpoints: []snapshot.Endpoint{{Endpoint: "POST /v1/client/sign_ins"}}})
	l.want("clerkthrottle.rate.learned", nil)
	l.want("clerkthrottle.blocked_endpoints", map[string]float64{"method=POST,template=/v1/client/sign_ins": 0})
}

// Everything at once, for the race detector.
func TestConcurrentUseLosesNothing(t *testing.T) {
	l := newLab(t, clerkthrottle.WithBase(clerktest.New(clerktest.WithLimits()).RoundTripper()), clerkthrottle.WithLimit("instance", 1000, time.Second))
	ctx, caller := l.tracers.Tracer("caller").Start(t.Context(), "caller")
	defer caller.End()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				unregister := l.in.Watch(l.throttle)
				l.send(ctx, "GET", "/v1/users")
				l.collect()
				unregister()
			}
		})
	}
	all.Wait()
	l.want("clerkthrottle.requests", map[string]float64{"outcome=answered,priority=normal,method=GET,template=/v1/users": 200})
	l.want("clerkthrottle.token.limit", map[string]float64{"limit=instance": 1000})
}
