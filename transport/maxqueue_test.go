package transport_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// The bounded queue, the default class, and small clauses of the budget.

// A full queue refuses the latest of the lowest class, and nobody else: a better
// newcomer pushes one out, a worse one is refused himself.
func TestFullQueueRefusesTheLatestOfTheLowestClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(nil), limit(2, 10*sec), func(c *transport.Config) { c.MaxQueue = 4 })
		clients(t, rt, 2, "/a")
		var mu sync.Mutex
		refused := map[string]*transport.ThrottledError{}
		var all sync.WaitGroup
		come := func(name string, p transport.Priority) {
			all.Go(func() {
				err := send(inClass(p), rt, "/a")
				var e *transport.ThrottledError
				if errors.As(err, &e) {
					mu.Lock()
					defer mu.Unlock()
					refused[name] = e
				}
			})
			synctest.Wait()
			time.Sleep(time.Millisecond)
		}
		for _, w := range []struct {
			name  string
			class transport.Priority
			goes  string
		}{
			{"b1", transport.Batch, ""}, {"b2", transport.Batch, ""}, {"n1", transport.Normal, ""}, {"n2", transport.Normal, ""},
			{"b3", transport.Batch, "b3"}, {"i1", transport.Interactive, "b2"}, {"n3", transport.Normal, "b1"},
			{"b4", transport.Batch, "b4"}, {"n4", transport.Normal, "n4"}, {"i2", transport.Interactive, "n3"},
			{"i3", transport.Interactive, "n2"}, {"i4", transport.Interactive, "n1"}, {"i5", transport.Interactive, "i5"},
		} {
			before := len(refused)
			come(w.name, w.class)
			if e, ok := refused[w.goes]; w.goes != "" && (!ok || len(refused) != before+1) || w.goes == "" && len(refused) > before {
				t.Fatalf("%s came, and %q did not go: %v (%v)", w.name, w.goes, refused, e)
			}
		}
		all.Wait()
		for name, e := range refused {
			if e.Reason != transport.ReasonQueueFull || e.Queue != 4 || e.Hold != transport.HoldLimit || e.Bound <= 0 {
				t.Errorf("%s: %+v", name, e)
			}
		}
		// Four wait for two tokens every 10s: the fifth would have for 30s, the last
		// of Batch just as long as the last of all.
		for _, name := range []string{"b3", "i5"} {
			if wait := refused[name].Wait; wait < 29*sec || wait > 30*sec {
				t.Errorf("%s is told to wait %s", name, wait)
			}
		}
		text := refused["i5"].Error()
		for _, part := range []string{"4 requests are already waiting", "retry at", "send fewer at a time", `"shared"`} {
			if !strings.Contains(text, part) {
				t.Errorf("%q does not say %q", text, part)
			}
		}
		if e := rt.Snapshot().Endpoints[0]; e.Counts.Refused != int64(len(refused)) || e.Counts.Sent != 6 {
			t.Errorf("counts %+v", e.Counts)
		}
	})
}

func TestDefaultClassHoldsForContextsThatNameNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		classes := map[transport.Priority]int{}
		var mu sync.Mutex
		rt := newTransport(t, newServer(nil), limit(1, 10*sec), func(c *transport.Config) {
			c.Priority = transport.Batch
			c.Observers = []*transport.Observer{{Waited: func(_ context.Context, e transport.WaitEvent) {
				mu.Lock()
				defer mu.Unlock()
				classes[e.Priority]++
			}}}
		})
		mustGet(t, rt, "/a")
		var all sync.WaitGroup
		all.Go(func() { mustGet(t, rt, "/a") })
		all.Go(func() { _ = send(inClass(transport.Normal), rt, "/a") })
		all.Go(func() { _ = send(transport.WithFlow(inClass(transport.Interactive), "x"), rt, "/a") })
		synctest.Wait()
		if got, want := bucketOf(t, rt.Snapshot(), "shared").ByClass, (snapshot.Classes{Interactive: 1, Normal: 1, Batch: 1}); got != want {
			t.Errorf("%+v wait, want %+v", got, want)
		}
		all.Wait()
		if len(classes) != 3 {
			t.Errorf("observers were told of %v", classes)
		}
	})
	for p, want := range map[transport.Priority]string{-9: "batch", transport.Batch: "batch", transport.Normal: "normal", transport.Interactive: "interactive", 9: "interactive"} {
		if p.String() != want {
			t.Errorf("%d is %q, want %q", int(p), p, want)
		}
	}
}

// Whoever gives up at the very moment of his grant was not sent: counts and
// quantiles that have it both ways go negative.
func TestGrantThatIsGivenUpDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			rt := newTransport(t, newServer(nil), limit(1, 10*sec))
			mustGet(t, rt, "/a")
			ctx, cancel := context.WithCancel(t.Context())
			var all sync.WaitGroup
			sent := 1
			all.Go(func() {
				if send(ctx, rt, "/a") == nil {
					sent++
				}
			})
			time.Sleep(10 * sec)
			cancel()
			all.Wait()
			s := rt.Snapshot()
			e := s.Endpoints[0]
			if e.Counts.Waited != e.Counts.Sent-1 || e.Counts.Sent != int64(sent) {
				t.Fatalf("%+v after %d were sent", e.Counts, sent)
			}
			if e.Waits.P50 != 0 && e.Counts.Sent == 1 || e.Waits.P50 > e.Waits.Max {
				t.Fatalf("%+v %+v", e.Counts, e.Waits)
			}
			for _, slice := range s.History.Slices {
				if slice.Sent < 0 || slice.Waited < 0 || slice.Wait < 0 || slice.Waited > slice.Sent {
					t.Fatalf("%+v", slice)
				}
			}
		}
	})
}

// Who waits for a learned rate shows in the snapshot; a claim with nothing but a
// rate has a way, too.
func TestWaitForTheLearnedRateShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(tooMany("1")))
		rt := newTransport(t, srv, rows{}, func(c *transport.Config) {
			c.Classify = func(*http.Request) *transport.Claim {
				return &transport.Claim{Endpoint: "A", Key: "A", Rate: transport.Limit{Name: "rate", N: 100, Window: 10 * sec}}
			}
		})
		mustGet(t, rt, "/a")
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { _ = send(t.Context(), rt, "/a") })
		}
		time.Sleep(time.Millisecond)
		e := rt.Snapshot().Endpoints[0]
		if e.Waiting == 0 || e.ByClass.Normal != e.Waiting || !e.Learned || e.Rate >= e.Documented || e.Documented != 10 {
			t.Errorf("%+v", e)
		}
		err := send(within(t, sec/10), rt, "/a")
		if e := wantThrottled(t, err, transport.ReasonDeadline); e.Hold != transport.HoldRate || e.Limit != "rate" {
			t.Errorf("%+v", e)
		}
		all.Wait()
	})
}
