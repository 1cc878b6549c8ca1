package transport_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// Dry runs, estimates, and the configuration of a budget in this process.

func dryRun(c *transport.Config) { c.DryRun = true }

func TestDryRunNeitherWaitsNorRefusesNorRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		srv := newServer(script(code(200), code(200), tooMany("30"), code(200), code(503)))
		table := limit(2, 10*sec)
		table.learn = true
		rt := newTransport(t, srv, table, dryRun, d.observe, maxWait(time.Minute/4))
		var statuses []int
		for range 6 {
			resp, err := get(rt, "/a")
			if err != nil {
				t.Fatal(err)
			}
			statuses = append(statuses, resp.StatusCode)
			time.Sleep(sec)
		}
		if got := fmt.Sprint(statuses); got != "[200 200 429 200 503 200]" || time.Since(srv.start) != 6*sec || len(srv.log()) != 6 {
			t.Errorf("statuses %s after %s, %d sent", got, time.Since(srv.start), len(srv.log()))
		}
		waits := []string{}
		for _, e := range d.waits {
			waits = append(waits, fmt.Sprintf("%s %s %t %s", e.Wait, e.Hold, e.DryRun, e.Start.Sub(srv.start)))
		}
		// The third would have waited for the first's token; the rest for the end
		// of the block that it met.
		if got := strings.Join(waits, " "); got != "8s limit true 2s 29s block true 3s 28s block true 4s 27s block true 5s" {
			t.Errorf("would have waited %s", got)
		}
		e := rt.Snapshot().Endpoints[0]
		if want := (snapshot.Counts{Sent: 6, Waited: 4, Refused: 3, Throttled: 1}); e.Counts != want || e.Waiting != 0 {
			t.Errorf("counts %+v, want %+v", e.Counts, want)
		}
		if b := bucketOf(t, rt.Snapshot(), "shared"); b.Free != -4 || b.Returning != 6 || b.Waiting != 0 {
			t.Errorf("%+v", b)
		}
	})
}

// Those who find no room for a bucket and a gate of their own share one: they are
// neither uncounted nor unblocked.
func TestNewcomersPastTheBoundShareOneBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		rt := newTransport(t, srv, rows{}, addresses(5), func(c *transport.Config) { c.MaxKeys = 3 }, maxWait(0))
		for i := range 53 {
			_, _ = get(rt, fmt.Sprint("/", i))
		}
		if n := len(srv.log()); n != 3+5 {
			t.Errorf("%d sent, want one for each address that is kept, and five for all others", n)
		}
		if s := rt.Snapshot(); len(s.Limits) != 4 {
			t.Errorf("%d limits are kept, want 3 and the one that others share", len(s.Limits))
		}
		time.Sleep(10 * sec)
		mustGet(t, rt, "/late")
	})
}

func TestNewcomersPastTheBoundShareOneGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(v visit) (*http.Response, error) { return tooMany("10")() })
		rt := newTransport(t, srv, rows{}, addresses(5), func(c *transport.Config) { c.MaxKeys = 3 }, maxWait(0))
		for i := range 50 {
			_, _ = get(rt, fmt.Sprint("/", i))
		}
		if n := len(srv.log()); n != 4 {
			t.Errorf("%d sent, want one for each of 3 gates and one for that of all others", n)
		}
	})
}

func TestEstimateIsTheWaitThatFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		table := limit(10, 10*sec)
		table.private.N, table.private.Window, table.private.Key = 1, 15*sec, "user "
		rt := newTransport(t, srv, table)
		ask := func(ctx context.Context, path string) time.Duration {
			return rt.Estimate(request(ctx, http.MethodGet, path, nil))
		}
		var all sync.WaitGroup
		for i := range 60 {
			ctx := inClass(transport.Normal)
			path := "/a"
			if i%12 == 0 {
				path = "/users/1"
			}
			said, before := ask(ctx, path), time.Now()
			all.Go(func() {
				if err := send(ctx, rt, path); err != nil {
					t.Error(err)
				}
				// Those who come while one waits for his own row stand before
				// him at the shared one: there it is a lower bound.
				if took := time.Since(before); took != said && (path == "/a" || took < said) {
					t.Errorf("number %d, %s: %s were said, it took %s", i, path, said, took)
				}
			})
			synctest.Wait()
			// Never at the very moment at which somebody passes his own row: who
			// of the two comes first is chance then.
			time.Sleep(time.Duration(i%7)*100*time.Millisecond + time.Duration(i+1)*time.Microsecond)
		}
		all.Wait()
		time.Sleep(time.Minute)
		if d := ask(inClass(transport.Batch), "/a"); d != 0 {
			t.Errorf("with all tokens free: %s", d)
		}
	})
}

func TestEstimateLeavesNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(nil), limit(1, sec), func(c *transport.Config) { c.MaxKeys = 10 })
		for i := range 1000 {
			if d := rt.Estimate(request(t.Context(), http.MethodGet, fmt.Sprint("/", i), nil)); d != 0 {
				t.Fatal(d)
			}
		}
		if s := rt.Snapshot(); len(s.Limits) != 0 || len(s.Endpoints) != 0 || len(s.History.Slices) != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestEstimateOfWhatIsNotThrottled(t *testing.T) {
	rt := newTransport(t, newNoop(), rows{}, func(c *transport.Config) {
		c.Classify = func(*http.Request) *transport.Claim { return nil }
	})
	if d := rt.Estimate(request(t.Context(), http.MethodGet, "/", nil)); d != 0 {
		t.Error(d)
	}
}

func TestConfigErrorsNameTheField(t *testing.T) {
	other := newTransport(t, newNoop(), limit(1, sec))
	for want, cfg := range map[string]transport.Config{
		"ReserveInteractive is -0.1: want 0 ≤ fraction < 1":                            {ReserveInteractive: -0.1},
		"ReserveInteractive is NaN":                                                    {ReserveInteractive: math.NaN()},
		"ReserveNormal is 1: want 0 ≤ fraction < 1":                                    {ReserveNormal: 1},
		"ReserveNormal are 0.5 and 0.5: together":                                      {ReserveInteractive: 0.5, ReserveNormal: 0.5},
		"MaxQueue is -1: it must not be negative":                                      {MaxQueue: -1},
		"MaxKeys is -1: it must not be negative":                                       {MaxKeys: -1},
		"SameAs and Budget are mutually exclusive":                                     {SameAs: other, Budget: struct{ transport.Budget }{}},
		"SameAs: reserves, bounds, retry budget and dry run are the other transport's": {SameAs: other, MaxQueue: 1},
	} {
		cfg.Classify = limit(1, sec).classify
		if _, err := transport.New(cfg); err == nil || !strings.HasPrefix(err.Error(), "transport: Config.") || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one that says %q", cfg, err, want)
		}
	}
}
