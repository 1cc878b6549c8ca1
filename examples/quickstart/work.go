package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/user"
)

// callsPerUser is how many calls one user's life takes: create, get, update,
// list and delete.
const callsPerUser = 5

// result is what a program saw of its calls, and what the server saw of it.
type result struct {
	name     string
	worked   int
	failed   int
	firstErr error
	took     time.Duration
	sent     int // requests that reached the server
	rejected int // of those, answered 429
}

// newUsers returns the SDK's user client. This is all that a program changes:
// the HTTPClient in its ClientConfig. An empty url is the real Clerk.
func newUsers(client *http.Client, url, key string) *user.Client {
	config := &clerk.ClientConfig{}
	config.HTTPClient = client
	config.Key = clerk.String(key)
	if url != "" {
		config.URL = clerk.String(url)
	}
	return user.NewClient(config)
}

// tally counts calls. It is safe for concurrent use.
type tally struct {
	mu       sync.Mutex
	result   result
	progress *progress
}

func (t *tally) count(err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.result.failed++
		if t.result.firstErr == nil {
			t.result.firstErr = err
		}
		return false
	}
	t.result.worked++
	t.progress.done.Add(1)
	return true
}

// share has the goroutines take turns at n pieces of work, until ctx ends.
func share(ctx context.Context, n int, p *progress, work func(i int, t *tally)) result {
	t := &tally{progress: p}
	start := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || ctx.Err() != nil {
					return
				}
				work(i, t)
			}
		})
	}
	wg.Wait()
	t.result.took = time.Since(start)
	return t.result
}

// manageUsers takes each of n users through its life. A user whose call failed is
// given up: the calls that build on it are never made.
func manageUsers(ctx context.Context, users *user.Client, n int, p *progress) result {
	return share(ctx, n, p, func(i int, t *tally) {
		u, err := users.Create(ctx, &user.CreateParams{
			EmailAddresses: &[]string{fmt.Sprintf("user%d@example.com", i)},
			FirstName:      clerk.String("Quick"),
		})
		if !t.count(err) {
			return
		}
		if _, err = users.Get(ctx, u.ID); !t.count(err) {
			return
		}
		if _, err = users.Update(ctx, u.ID, &user.UpdateParams{LastName: clerk.String("Start")}); !t.count(err) {
			return
		}
		list := &user.ListParams{}
		list.Limit = clerk.Int64(10)
		if _, err = users.List(ctx, list); !t.count(err) {
			return
		}
		_, err = users.Delete(ctx, u.ID)
		t.count(err)
	})
}

// countUsers asks n times how many users there are.
func countUsers(ctx context.Context, users *user.Client, n int, p *progress) result {
	return share(ctx, n, p, func(_ int, t *tally) {
		_, err := users.Count(ctx, &user.ListParams{})
		t.count(err)
	})
}

// countingTransport counts what is really sent.
type countingTransport struct {
	base           http.RoundTripper
	sent, rejected atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (c *countingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	c.sent.Add(1)
	resp, err := c.base.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusTooManyRequests {
		c.rejected.Add(1)
	}
	return resp, err
}
