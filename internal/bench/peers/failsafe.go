//nolint:bodyclose // the responses in here are type arguments of policies
package peers

import (
	"net/http"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/sim"
	"github.com/failsafe-go/failsafe-go/adaptivethrottler"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

// failsafeRetry is failsafe-go's policy for HTTP, which goes by Retry-After, with
// a backoff where there is none.
func failsafeRetry() retrypolicy.RetryPolicy[*http.Response] {
	return failsafehttp.NewRetryPolicyBuilder().
		WithMaxRetries(tries).
		WithBackoff(backoffMin, backoffMax).
		ReturnLastFailure().
		Build()
}

func failsafeBursty(n int) func(http.RoundTripper) http.RoundTripper {
	return failsafeLimiter(func() ratelimiter.Builder[*http.Response] {
		return ratelimiter.NewBurstyBuilder[*http.Response](uint(n), sim.Window)
	})
}

func failsafeSmooth(n int) func(http.RoundTripper) http.RoundTripper {
	return failsafeLimiter(func() ratelimiter.Builder[*http.Response] {
		return ratelimiter.NewSmoothBuilder[*http.Response](uint(n), sim.Window)
	})
}

// failsafeLimiter has every attempt wait for a permit of the limiter, however
// long: its default is to refuse at once.
func failsafeLimiter(limiter func() ratelimiter.Builder[*http.Response]) func(http.RoundTripper) http.RoundTripper {
	return func(network http.RoundTripper) http.RoundTripper {
		return failsafehttp.NewRoundTripper(network, failsafeRetry(), limiter().WithMaxWaitTime(24*time.Hour).Build())
	}
}

func failsafeThrottler(network http.RoundTripper) http.RoundTripper {
	throttler := adaptivethrottler.NewBuilder[*http.Response]().
		HandleIf(func(resp *http.Response, err error) bool {
			return err != nil || resp != nil && resp.StatusCode == http.StatusTooManyRequests
		}).
		Build()
	return failsafehttp.NewRoundTripper(network, failsafeRetry(), throttler)
}
