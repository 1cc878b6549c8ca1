package clerkthrottle_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

var algorithms = []clerktest.Algorithm{clerktest.FixedWindow, clerktest.SlidingLog, clerktest.TokenBucket}

// load is a program that keeps so many calls under way for a while.
type load struct {
	callers  int
	duration time.Duration
}

// run returns how many calls of the load were answered with 200 within its
// duration. It fails the test for every other answer.
func (l load) run(t *testing.T, client *http.Client, key string) int {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context()) // no deadline: nobody is to be refused for one
	defer cancel()
	time.AfterFunc(l.duration, cancel)
	var mu sync.Mutex
	var wg sync.WaitGroup
	done := 0
	for range l.callers {
		wg.Go(func() {
			for {
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.clerk.com/v1/users", nil)
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Authorization", "Bearer "+key)
				resp, err := client.Do(req)
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("answered %s", resp.Status)
					return
				}
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return done
}

// TestLoneProcessUsesTheWholeLimitWithout429 is the promise that everything
// else stands on. It prints the share of the limit that a saturated process
// uses, in ten minutes of virtual time, for each way in which a server may
// count.
func TestLoneProcessUsesTheWholeLimitWithout429(t *testing.T) {
	duration := long(10 * time.Minute)
	for _, n := range []int{1000, 100, 3} {
		for _, algorithm := range algorithms {
			t.Run(fmt.Sprintf("%d per 10s, %v", n, algorithm), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server, client := newLone(t, n, algorithm, clerktest.Lognormal(50*time.Millisecond, 0.5))
					done := load{256, duration}.run(t, client, "sk_live_lone")
					share := float64(done) / (float64(n) * duration.Seconds() / 10)
					stats := server.Stats()
					t.Logf("%d of 429s among %d requests, %.4f of the limit used", stats.Rejected, stats.Sent, share)
					if stats.Rejected != 0 {
						t.Errorf("%d requests were answered 429", stats.Rejected)
					}
					if share < 0.985 {
						t.Errorf("%.4f of the limit used, want at least 0.985", share)
					}
				})
			})
		}
	}
}

// TestRandomLatencyNeverBunchesUpTo429 has answers take up to two seconds, so
// that requests overtake each other on the way.
func TestRandomLatencyNeverBunchesUpTo429(t *testing.T) {
	for _, algorithm := range algorithms {
		t.Run(algorithm.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				unevenly := func(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(2 * time.Second))) }
				server, client := newLone(t, 1000, algorithm, unevenly)
				load{256, long(2 * time.Minute)}.run(t, client, "sk_live_lone")
				stats := server.Stats()
				t.Logf("%d of 429s among %d requests", stats.Rejected, stats.Sent)
				if stats.Rejected != 0 || stats.Sent < 5_000 {
					t.Errorf("%d of %d requests were answered 429", stats.Rejected, stats.Sent)
				}
			})
		})
	}
}

// TestBurstOnAnIdleBudgetGoesOutAtOnce: nobody waits while a token is free.
func TestBurstOnAnIdleBudgetGoesOutAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		server, client := newLone(t, n, clerktest.SlidingLog, clerktest.Constant(0))
		var wg sync.WaitGroup
		start := time.Now()
		for range n {
			wg.Go(func() {
				if _, err := callOnce(t.Context(), t, client); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(start); took != 0 {
			t.Errorf("a burst of %d took %s on an idle budget", n, took)
		}
		if got := server.Stats().Accepted; got != n {
			t.Errorf("%d of %d were accepted", got, n)
		}
	})
}

// newLone returns a stand-in with one limit, of n per 10 s, and a throttled client
// that knows it.
func newLone(t *testing.T, n int, algorithm clerktest.Algorithm, latency clerktest.Latency, opts ...clerkthrottle.Option) (*clerktest.Server, *http.Client) {
	t.Helper()
	server := clerktest.New(
		clerktest.WithLimits(clerkthrottle.Limit{Name: clerkthrottle.InstanceLimit, N: n, Window: 10 * time.Second}),
		clerktest.WithAlgorithm(algorithm),
		clerktest.WithLatency(latency),
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
