//nolint:bodyclose // the responses in here are type arguments of policies
package peers

import (
	"net/http"

	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/gofri/go-github-ratelimit/v2/github_ratelimit/github_secondary_ratelimit"
	"github.com/hashicorp/go-retryablehttp"
	uber "go.uber.org/ratelimit"
	"golang.org/x/time/rate"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/sim"
)

// Peer is a library that a program could use under its Clerk client.
type Peer struct {
	Name  string
	Setup string // how it is configured, for RESULTS.md
	// Loose says that the library's random numbers cannot be seeded: its results vary
	// from run to run.
	Loose bool
	// Client wraps the network in the library's client, for a limit of n requests per
	// window.
	Client func(network http.RoundTripper, n int, seed uint64) http.RoundTripper
}

// maxRetries is the retries of every peer that retries. Defaults are from 2 to 4;
// with more, calls take longer rather than fail, which favours the peer here.
const maxRetries = 10

// Throttle returns the throttle under test as a peer.
func Throttle(opts ...clerkthrottle.Option) Peer {
	return Peer{
		Name:  "clerkthrottle",
		Setup: "no configuration but the limit's size; `WithReserve(Interactive, 0.05)` in the scenario with people",
		Client: func(network http.RoundTripper, n int, _ uint64) http.RoundTripper {
			return sim.Throttled(n, opts...)(network)
		},
	}
}

// All returns the libraries that the throttle is compared with.
func All() []Peer {
	return []Peer{
		{
			Name:  "go-retryablehttp",
			Setup: "`NewClient`, 10 retries: it waits for Retry-After, or 1, 2, 4 … 30 s",
			Client: func(network http.RoundTripper, _ int, _ uint64) http.RoundTripper {
				return Retryable(network)
			},
		},
		{
			Name:  "x/time/rate (burst N) + go-retryablehttp",
			Setup: "`rate.NewLimiter(N/W, N)`: 100 a second, burst 1000; every attempt waits for a token",
			Client: func(network http.RoundTripper, n int, _ uint64) http.RoundTripper {
				return limited(network, n, n)
			},
		},
		{
			Name:  "x/time/rate (sized) + go-retryablehttp",
			Setup: "burst + rate·W ≤ N: burst 50, 95 a second",
			Client: func(network http.RoundTripper, n int, _ uint64) http.RoundTripper {
				return limited(network, n-n/20, n/20)
			},
		},
		{
			Name:  "aws-sdk-go-v2 adaptive mode",
			Setup: "`retry.NewAdaptiveMode` under the SDK's own attempt middleware, 10 retries, no retry quota; a 429 is its `TooManyRequestsException`",
			Client: func(network http.RoundTripper, _ int, seed uint64) http.RoundTripper {
				return newAWSClient(network, seed)
			},
		},
		{
			Name:  "failsafe-go rate limiter (bursty)",
			Setup: "`NewBursty(N, W)` inside `failsafehttp`'s retry policy with 10 retries and its backoff",
			Client: func(network http.RoundTripper, n int, _ uint64) http.RoundTripper {
				return failsafeLimiter(network, ratelimiter.NewBurstyBuilder[*http.Response](uint(n), sim.Window))
			},
		},
		{
			Name:  "failsafe-go rate limiter (smooth)",
			Setup: "`NewSmooth(N, W)` inside the same",
			Client: func(network http.RoundTripper, n int, _ uint64) http.RoundTripper {
				return failsafeLimiter(network, ratelimiter.NewSmoothBuilder[*http.Response](uint(n), sim.Window))
			},
		},
		{
			Name:  "failsafe-go adaptive throttler",
			Setup: "its defaults, 429 being a failure, inside the same; what it refuses is retried too",
			Loose: true,
			Client: func(network http.RoundTripper, _ int, _ uint64) http.RoundTripper {
				return failsafeThrottler(network)
			},
		},
		{
			Name:  "go-github-ratelimit",
			Setup: "its waiter for secondary limits; Clerk's 429s are reworded as GitHub's, the only ones that it recognizes",
			Client: func(network http.RoundTripper, _ int, _ uint64) http.RoundTripper {
				return github_secondary_ratelimit.New(githubWords(network))
			},
		},
		{
			Name:  "go.uber.org/ratelimit + go-retryablehttp",
			Setup: "`New(N, Per(W))` with its default slack of 10; every attempt takes a turn",
			Client: func(network http.RoundTripper, n int, _ uint64) http.RoundTripper {
				limiter := uber.New(n, uber.Per(sim.Window))
				return Retryable(before(network, func(*http.Request) error { limiter.Take(); return nil }))
			},
		},
	}
}

// Retryable returns go-retryablehttp's client over a network.
func Retryable(network http.RoundTripper) http.RoundTripper {
	c := retryablehttp.NewClient()
	c.HTTPClient = &http.Client{Transport: network}
	c.RetryMax = maxRetries
	c.Logger = nil
	return &retryablehttp.RoundTripper{Client: c}
}

// limited returns go-retryablehttp's client over a token bucket of
// golang.org/x/time/rate.
func limited(network http.RoundTripper, perWindow, burst int) http.RoundTripper {
	limiter := rate.NewLimiter(rate.Limit(float64(perWindow)/sim.Window.Seconds()), burst)
	return Retryable(before(network, func(req *http.Request) error { return limiter.Wait(req.Context()) }))
}

// roundTripper makes a function an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// before returns a transport that calls wait before each request.
func before(next http.RoundTripper, wait func(*http.Request) error) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if err := wait(req); err != nil {
			return nil, err
		}
		return next.RoundTrip(req)
	})
}
