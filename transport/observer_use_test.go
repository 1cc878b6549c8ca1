package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// What observers may do, and what they cost.

// An observer that is called under a lock, and looks at the throttle or uses it,
// waits for itself.
func TestObserverMayUseTheTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(tooMany("2"), fail(errReset), tooMany(), code(200)))
		table := limit(5, 10*sec)
		table.learn = true
		var rt *transport.Transport
		var events, within atomic.Int32
		use := func() {
			events.Add(1)
			_ = rt.Snapshot()
			_ = rt.Estimate(request(context.Background(), http.MethodGet, "/a", nil))
			if within.Add(1) == 1 { // or it would never end
				_, _ = get(rt, "/b")
			}
			within.Add(-1)
		}
		rt = newTransport(t, srv, table, func(c *transport.Config) {
			c.Observers = []*transport.Observer{{
				Waited:      func(context.Context, transport.WaitEvent) { use() },
				Refused:     func(context.Context, *transport.ThrottledError) { use() },
				Answered:    func(context.Context, transport.AnswerEvent) { use() },
				Retrying:    func(context.Context, transport.RetryEvent) { use() },
				Blocked:     func(transport.BlockEvent) { use() },
				Unblocked:   func(transport.BlockEvent) { use() },
				RateChanged: func(transport.RateEvent) { use() },
			}}
		})
		clients(t, rt, 20, "/a")
		time.Sleep(time.Hour)
		mustGet(t, rt, "/a")
		_ = rt.Close()
		_, _ = get(rt, "/a")
		if events.Load() < 60 {
			t.Errorf("only %d events", events.Load())
		}
	})
}

// An observer that takes its time holds up its own request, and nobody's token.
func TestSlowObserverHoldsNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		rt := newTransport(t, srv, limit(1, 10*sec), func(c *transport.Config) {
			c.Observers = []*transport.Observer{{Answered: func(_ context.Context, e transport.AnswerEvent) {
				if e.Duration != 0 {
					t.Errorf("it took %s", e.Duration)
				}
				time.Sleep(time.Minute)
			}}}
		})
		clients(t, rt, 2, "/a")
		if at := srv.times(""); at[1] != 10*sec {
			t.Errorf("the second went at %s", at[1])
		}
	})
}

func TestNilObserverIsAnError(t *testing.T) {
	_, err := transport.New(transport.Config{
		Classify:  limit(1, sec).classify,
		Observers: []*transport.Observer{{}, nil},
	})
	if err == nil || err.Error() != "transport: Config.Observers[1] is nil" {
		t.Errorf("error %v", err)
	}
}

func TestUnsetHooksCostNothing(t *testing.T) {
	rt := endless(t, newNoop(), true)
	allocs := func(rt *transport.Transport) float64 {
		req := request(context.Background(), http.MethodGet, "/", nil)
		return testing.AllocsPerRun(1000, func() {
			if _, err := rt.RoundTrip(req); err != nil {
				t.Fatal(err)
			}
		})
	}
	bare := allocs(rt)
	claim := &transport.Claim{Endpoint: "GET /", Key: "GET /", Limits: []transport.Limit{{Name: "shared", Key: "shared", N: 1 << 20, Window: time.Millisecond}}}
	observed := allocs(newTransport(t, newNoop(), rows{}, func(c *transport.Config) {
		c.Classify = func(*http.Request) *transport.Claim { return claim }
		c.Observers = []*transport.Observer{{}, {Waited: func(context.Context, transport.WaitEvent) {}}, {Refused: func(context.Context, *transport.ThrottledError) {}}}
	}))
	if observed > bare {
		t.Errorf("%v allocations a request with observers of what does not happen, %v without", observed, bare)
	}
}

// Nothing is told, and no timer left, once the throttle is closed in a block.
func TestCloseStopsTheTimerOfABlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		rt := newTransport(t, newServer(script(tooMany("10"))), limit(5, 10*sec), d.observe)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				_, err := get(rt, "/a")
				if err == nil {
					return // the one that was answered 429 is handed that
				}
				_ = wantThrottled(t, err, transport.ReasonClosed)
			})
			synctest.Wait()
		}
		_ = rt.Close()
		all.Wait()
		time.Sleep(time.Hour)
		d.want(t, "0s blocked for 10s until 10s", "0s answered 1: 429", "0s retrying 1: 429",
			"0s refused closed ", "0s refused closed ", "0s refused closed ")
	})
}

// An endpoint that nobody calls any more takes what it learned along: who was told
// of it is told that, too.
func TestRateOfAForgottenEndpointIsToldToBeForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		table := limit(1000, sec)
		table.learn = true
		rt := newTransport(t, newServer(script(tooMany("1"))), table, d.observe)
		mustGet(t, rt, "/a")
		time.Sleep(time.Hour)
		for i := range 100 { // push it out
			mustGet(t, rt, fmt.Sprint("/path/", i))
		}
		if n := d.count("rate learned false"); n != 1 {
			t.Errorf("told that it is forgotten %d times", n)
		}
	})
}
