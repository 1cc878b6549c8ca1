package peers

import (
	"net/http"
	"time"

	"github.com/gofri/go-github-ratelimit/v2/github_ratelimit/github_secondary_ratelimit"
	"github.com/hashicorp/go-retryablehttp"
	uber "go.uber.org/ratelimit"
	"golang.org/x/time/rate"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/sim"
)

// Peer is one of the libraries that a program might put under its Clerk client.
type Peer struct {
	Name  string
	Setup string // how it is configured, for the reader of the results
	// Loose says that its own random numbers cannot be seeded: its figures vary
	// from run to run.
	Loose bool
	// Client makes the program's client for a limit of n requests per window.
	Client func(n int, seed uint64) func(network http.RoundTripper) http.RoundTripper
}

// tries is how often every peer that retries may do so. Defaults are from 2 to
// 4; with more, calls last rather than fail, which is to a peer's advantage here.
const tries = 10

// Throttle is the throttle under test, as one of the peers.
func Throttle(opts ...clerkthrottle.Option) Peer {
	return Peer{
		Name:  "clerkthrottle",
		Setup: "no configuration but the limit's size; `WithReserve(Interactive, 0.05)` in the scenario with people",
		Client: func(n int, _ uint64) func(http.RoundTripper) http.RoundTripper {
			return sim.Throttled(n, opts...)
		},
	}
}

// All returns what the throttle is compared with.
func All() []Peer {
	return []Peer{
		{
			Name:  "go-retryablehttp",
			Setup: "`NewClient`, 10 retries: it waits for Retry-After, or 1, 2, 4 … 30 s",
			Client: func(int, uint64) func(http.RoundTripper) http.RoundTripper {
				return Retryable
			},
		},
		{
			Name:  "x/time/rate (burst N) + go-retryablehttp",
			Setup: "`rate.NewLimiter(N/W, N)`: 100 a second, burst 1000; every attempt waits for a token",
			Client: func(n int, _ uint64) func(http.RoundTripper) http.RoundTripper {
				return limited(n, float64(n))
			},
		},
		{
			Name:  "x/time/rate (sized) + go-retryablehttp",
			Setup: "burst + rate·W ≤ N: burst 50, 95 a second",
			Client: func(n int, _ uint64) func(http.RoundTripper) http.RoundTripper {
				return limited(n, float64(n)/20)
			},
		},
		{
			Name:  "aws-sdk-go-v2 adaptive mode",
			Setup: "`retry.NewAdaptiveMode` under the SDK's own attempt middleware, 10 retries, no retry quota; a 429 is its `TooManyRequestsException`",
			Client: func(_ int, seed uint64) func(http.RoundTripper) http.RoundTripper {
				return adaptive(seed)
			},
		},
		{
			Name:  "failsafe-go rate limiter (bursty)",
			Setup: "`NewBursty(N, W)` inside `failsafehttp`'s retry policy with 10 retries and its backoff",
			Client: func(n int, _ uint64) func(http.RoundTripper) http.RoundTripper {
				return failsafeBursty(n)
			},
		},
		{
			Name:  "failsafe-go rate limiter (smooth)",
			Setup: "`NewSmooth(N, W)` inside the same",
			Client: func(n int, _ uint64) func(http.RoundTripper) http.RoundTripper {
				return failsafeSmooth(n)
			},
		},
		{
			Name:  "failsafe-go adaptive throttler",
			Setup: "its defaults, 429 being a failure, inside the same; what it refuses is retried too",
			Loose: true,
			Client: func(int, uint64) func(http.RoundTripper) http.RoundTripper {
				return failsafeThrottler
			},
		},
		{
			Name:  "go-github-ratelimit",
			Setup: "its waiter for secondary limits; Clerk's 429s are put in GitHub's words, or it would not know them",
			Client: func(int, uint64) func(http.RoundTripper) http.RoundTripper {
				return func(network http.RoundTripper) http.RoundTripper {
					return github_secondary_ratelimit.New(githubWords{network})
				}
			},
		},
		{
			Name:  "go.uber.org/ratelimit + go-retryablehttp",
			Setup: "`New(N, Per(W))` with its default slack of 10; every attempt takes a turn",
			Client: func(n int, _ uint64) func(http.RoundTripper) http.RoundTripper {
				return func(network http.RoundTripper) http.RoundTripper {
					limiter := uber.New(n, uber.Per(sim.Window))
					return Retryable(before(network, func(*http.Request) error { limiter.Take(); return nil }))
				}
			},
		},
	}
}

// Retryable is go-retryablehttp over a network.
func Retryable(network http.RoundTripper) http.RoundTripper {
	c := retryablehttp.NewClient()
	c.HTTPClient = &http.Client{Transport: network}
	c.RetryMax = tries
	c.Logger = nil
	return &retryablehttp.RoundTripper{Client: c}
}

// limited is a token bucket of golang.org/x/time/rate under go-retryablehttp. A
// burst that is smaller than the limit is paid for with the rate, so that no
// window holds more than n.
func limited(n int, burst float64) func(http.RoundTripper) http.RoundTripper {
	perWindow := float64(n)
	if burst < perWindow {
		perWindow -= burst
	}
	return func(network http.RoundTripper) http.RoundTripper {
		limiter := rate.NewLimiter(rate.Limit(perWindow/sim.Window.Seconds()), int(burst))
		return Retryable(before(network, func(req *http.Request) error { return limiter.Wait(req.Context()) }))
	}
}

// before returns a transport that waits its turn before each request.
func before(next http.RoundTripper, wait func(*http.Request) error) http.RoundTripper {
	return turn{next, wait}
}

type turn struct {
	next http.RoundTripper
	wait func(*http.Request) error
}

// RoundTrip implements http.RoundTripper.
func (t turn) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.wait(req); err != nil {
		return nil, err
	}
	return t.next.RoundTrip(req)
}

// backoffMin and backoffMax are go-retryablehttp's default delays, for peers
// whose own default is to retry at once.
const (
	backoffMin = time.Second
	backoffMax = 30 * time.Second
)
