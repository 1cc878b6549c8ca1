package clerkthrottle_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// newClassed returns a stand-in for a limit of n per 10 s and a client with the
// given options.
func newClassed(t *testing.T, n int, opts ...clerkthrottle.Option) (*clerktest.Server, *http.Client) {
	t.Helper()
	server := clerktest.New(
		clerktest.WithLimits(clerkthrottle.Limit{Name: clerkthrottle.InstanceLimit, N: n, Window: 10 * time.Second}),
		clerktest.WithLatency(clerktest.Lognormal(50*time.Millisecond, 0.4)),
		clerktest.WithLogSize(0),
	)
	client, err := clerkthrottle.NewClient(append([]clerkthrottle.Option{
		clerkthrottle.WithBase(server.RoundTripper()),
		clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, n, 10*time.Second),
		clerkthrottle.WithMaxWait(time.Hour),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

// callOnce makes one call and returns how long it took.
func callOnce(ctx context.Context, t *testing.T, client *http.Client) (time.Duration, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.clerk.com/v1/users", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk_live_classes")
	start := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return time.Since(start), err
	}
	resp.Body.Close()
	return time.Since(start), nil
}

// TestInteractiveNeverQueuesBehindBatch has 500 Batch callers saturate a budget
// with a reserve of a fifth, and interactive calls come at random, ten a second.
// It prints how many of them found a token at once, and what all got together.
func TestInteractiveNeverQueuesBehindBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		duration := long(10 * time.Minute)
		var mu sync.Mutex
		interactive, waited := 0, 0
		server, client := newClassed(t, n,
			clerkthrottle.WithReserve(clerkthrottle.Interactive, 0.2),
			clerkthrottle.WithDefaultPriority(clerkthrottle.Batch),
			clerkthrottle.WithObserver(&transport.Observer{
				Waited: func(_ context.Context, e transport.WaitEvent) {
					if e.Priority == clerkthrottle.Interactive {
						mu.Lock()
						waited++
						mu.Unlock()
					}
				},
			}))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(duration, cancel)
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() {
				for ctx.Err() == nil {
					_, _ = callOnce(ctx, t, client)
				}
			})
		}
		random := rand.New(rand.NewPCG(1, 1))
		person := clerkthrottle.WithPriority(ctx, clerkthrottle.Interactive)
		for ctx.Err() == nil {
			time.Sleep(time.Duration(random.ExpFloat64() * float64(100*time.Millisecond)))
			interactive++
			wg.Go(func() { _, _ = callOnce(person, t, client) })
		}
		wg.Wait()
		stats := server.Stats()
		atOnce := 1 - float64(waited)/float64(interactive)
		share := float64(stats.Accepted) / (n * duration.Seconds() / 10)
		t.Logf("%.4f of %d interactive calls found a token at once; %.4f of the limit used in all; %d of 429s", atOnce, interactive, share, stats.Rejected)
		if atOnce < 0.99 || share < 0.95 || stats.Rejected > 0 {
			t.Error("want at least 0.99 at once, at least 0.95 of the limit, and no 429")
		}
	})
}

// TestBatchDoesntStarve has interactive callers ask for more than there is: batch
// still gets its one in eleven.
func TestBatchDoesntStarve(t *testing.T) {
	for _, reserve := range []float64{0, 0.2} {
		t.Run(fmt.Sprint("reserve ", reserve), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, client := newClassed(t, 100, clerkthrottle.WithReserve(clerkthrottle.Interactive, reserve))
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(5*time.Minute, cancel)
				var mu sync.Mutex
				done := map[clerkthrottle.Priority]int{}
				var wg sync.WaitGroup
				for _, p := range []clerkthrottle.Priority{clerkthrottle.Interactive, clerkthrottle.Batch} {
					ctx := clerkthrottle.WithPriority(ctx, p)
					for range 200 {
						wg.Go(func() {
							for ctx.Err() == nil {
								if _, err := callOnce(ctx, t, client); err == nil {
									mu.Lock()
									done[p]++
									mu.Unlock()
								}
							}
						})
					}
				}
				wg.Wait()
				part := float64(done[clerkthrottle.Batch]) / float64(done[clerkthrottle.Batch]+done[clerkthrottle.Interactive])
				t.Logf("batch got %.3f", part)
				if part < 0.9/11 {
					t.Errorf("batch got %.3f, want about one in eleven at least", part)
				}
			})
		})
	}
}

// TestTenantDoesntShutOutAnother: one tenant has a thousand calls in line, and
// another's single call goes after its first.
func TestTenantDoesntShutOutAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newClassed(t, 100)
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { _, _ = callOnce(clerkthrottle.WithFlow(t.Context(), "tenant-1"), t, client) })
		}
		synctest.Wait()
		took, err := callOnce(clerkthrottle.WithFlow(t.Context(), "tenant-2"), t, client)
		if err != nil || took > 12*time.Second {
			t.Errorf("took %s behind the other's thousand (%v)", took, err)
		}
		wg.Wait()
	})
}

// TestFullQueueRefusesTheLatestOfTheLowestClass: past the bound the latest of the lowest class goes, and is told
// how many wait and for how long it would have.
func TestFullQueueRefusesTheLatestOfTheLowestClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newClassed(t, 10, clerkthrottle.WithMaxQueue(20))
		var mu sync.Mutex
		refused := map[clerkthrottle.Priority][]*transport.ThrottledError{}
		var wg sync.WaitGroup
		start := func(n int, p clerkthrottle.Priority) {
			for range n {
				wg.Go(func() {
					_, err := callOnce(clerkthrottle.WithPriority(t.Context(), p), t, client)
					var e *transport.ThrottledError
					if errors.As(err, &e) {
						mu.Lock()
						refused[p] = append(refused[p], e)
						mu.Unlock()
					}
				})
			}
			synctest.Wait()
		}
		start(10, clerkthrottle.Normal) // the whole limit, at once
		start(15, clerkthrottle.Batch)
		start(10, clerkthrottle.Interactive) // five more than there is room for
		if len(refused[clerkthrottle.Batch]) != 5 || len(refused[clerkthrottle.Interactive]) != 0 {
			t.Fatalf("refused %d of batch and %d of interactive, want 5 and 0", len(refused[clerkthrottle.Batch]), len(refused[clerkthrottle.Interactive]))
		}
		e := refused[clerkthrottle.Batch][0]
		if e.Reason != transport.ReasonQueueFull || e.Queue != 20 || e.Wait <= 0 {
			t.Errorf("refused for %s with %d waiting, expected wait %s", e.Reason, e.Queue, e.Wait)
		}
		t.Log(e)
		start(15, clerkthrottle.Batch) // only newcomers of the class go
		if got := len(refused[clerkthrottle.Batch]); got != 20 {
			t.Errorf("refused %d of batch, want 20", got)
		}
		wg.Wait()
	})
}

// TestDryRunNeitherHoldsBackNorRefuses sends everything at once, and tells what it would
// have waited.
func TestDryRunNeitherHoldsBackNorRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var waits []time.Duration
		server, client := newClassed(t, 10, clerkthrottle.WithDryRun(), clerkthrottle.WithMaxWait(time.Second),
			clerkthrottle.WithObserver(&transport.Observer{Waited: func(_ context.Context, e transport.WaitEvent) {
				mu.Lock()
				defer mu.Unlock()
				// The first would have waited for the limit; then a 429 came.
				if !e.DryRun || len(waits) == 0 && e.Limit != clerkthrottle.InstanceLimit {
					t.Errorf("told of %+v", e)
				}
				waits = append(waits, e.Wait)
			}}))
		for i := range 15 {
			took, err := callOnce(t.Context(), t, client)
			if err != nil || took > time.Second {
				t.Errorf("call %d took %s (%v)", i, took, err)
			}
		}
		if len(waits) != 5 || waits[0] < 9*time.Second {
			t.Errorf("would have waited %v, want five waits of nearly 10 s", waits)
		}
		if got := server.Stats().Rejected; got != 5 {
			t.Errorf("%d were answered 429, want the 5 that would have waited", got)
		}
	})
}

// TestEstimateIsCloseToTheTrueWait saturates a budget and compares what Estimate
// says with how long the call then waits.
func TestEstimateIsCloseToTheTrueWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newClassed(t, 100)
		rt := client.Transport.(*transport.Transport)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 250 {
			wg.Go(func() {
				for ctx.Err() == nil {
					_, _ = callOnce(ctx, t, client)
				}
			})
		}
		worst := 0.0
		for range 50 {
			time.Sleep(3700 * time.Millisecond)
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.clerk.com/v1/users", nil)
			req.Header.Set("Authorization", "Bearer sk_live_classes")
			said := rt.Estimate(req)
			took, err := callOnce(ctx, t, client)
			if err != nil {
				t.Fatal(err)
			}
			off := float64(took-said) / float64(took)
			worst = max(worst, off, -off)
		}
		cancel()
		wg.Wait()
		t.Logf("off by %.3f of the true wait at most", worst)
		if worst > 0.2 {
			t.Error("want at most 0.2")
		}
	})
}
