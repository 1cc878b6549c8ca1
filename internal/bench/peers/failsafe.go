//nolint:bodyclose // the responses in here are type arguments of policies
package peers

import (
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go/adaptivethrottler"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

// failsafeRetry is failsafe-go's policy for HTTP, which goes by Retry-After, with
// go-retryablehttp's backoff where there is none: its own is to retry at once.
func failsafeRetry() retrypolicy.RetryPolicy[*http.Response] {
	return failsafehttp.NewRetryPolicyBuilder().
		WithMaxRetries(tries).
		WithBackoff(time.Second, 30*time.Second).
		ReturnLastFailure().
		Build()
}

// failsafeLimiter has every attempt wait for a permit of the limiter, however
// long: its default is to refuse at once.
func failsafeLimiter(network http.RoundTripper, limiter ratelimiter.Builder[*http.Response]) http.RoundTripper {
	return failsafehttp.NewRoundTripper(network, failsafeRetry(), limiter.WithMaxWaitTime(24*time.Hour).Build())
}

func failsafeThrottler(network http.RoundTripper) http.RoundTripper {
	throttler := adaptivethrottler.NewBuilder[*http.Response]().
		HandleIf(func(resp *http.Response, err error) bool {
			return err != nil || resp != nil && resp.StatusCode == http.StatusTooManyRequests
		}).
		Build()
	return failsafehttp.NewRoundTripper(network, failsafeRetry(), throttler)
}
