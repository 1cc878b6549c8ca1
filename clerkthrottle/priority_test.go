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
)

// newClassed is newLone with the usual server and network.
func newClassed(t *testing.T, n int, opts ...clerkthrottle.Option) (*clerktest.Server, *http.Client) {
	t.Helper()
	return newLone(t, n, clerktest.SlidingLog, clerktest.Lognormal(50*time.Millisecond, 0.4), opts...)
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
			clerkthrottle.WithObserver(&clerkthrottle.Observer{
				Waited: func(_ context.Context, e clerkthrottle.WaitEvent) {
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

// The refusal tells how many wait and for how long it would have.
func TestFullQueueRefusesTheLatestOfTheLowestClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newClassed(t, 10, clerkthrottle.WithMaxQueue(20))
		var mu sync.Mutex
		var wg sync.WaitGroup
		refused := map[clerkthrottle.Priority][]*clerkthrottle.ThrottledError{}
		start := func(n int, p clerkthrottle.Priority) {
			for range n {
				wg.Go(func() {
					_, err := callOnce(clerkthrottle.WithPriority(t.Context(), p), t, client)
					var e *clerkthrottle.ThrottledError
					if errors.As(err, &e) {
						mu.Lock()
						defer mu.Unlock()
						refused[p] = append(refused[p], e)
					}
				})
			}
			synctest.Wait()
		}
		start(10, clerkthrottle.Normal) // the whole limit, at once
		start(15, clerkthrottle.Batch)
		start(10, clerkthrottle.Interactive) // five more than there is room for
		batch := refused[clerkthrottle.Batch]
		if len(batch) != 5 || len(refused) != 1 {
			t.Fatalf("refused %v, want five of batch alone", refused)
		}
		if e := batch[0]; e.Reason != clerkthrottle.ReasonQueueFull || e.Queue != 20 || e.Wait <= 0 {
			t.Errorf("refused for %s with %d waiting, expected wait %s", e.Reason, e.Queue, e.Wait)
		}
		wg.Wait()
	})
}

// TestEstimateIsCloseToTheTrueWait saturates a budget and compares what Estimate
// says with how long the call then waits.
func TestEstimateIsCloseToTheTrueWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newClassed(t, 100)
		rt := client.Transport.(*clerkthrottle.Transport)
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
