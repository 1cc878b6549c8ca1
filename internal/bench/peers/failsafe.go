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

// failsafeRetry returns failsafe-go's retry policy for HTTP, which obeys Retry-After.
// Without one it uses go-retryablehttp's backoff: its own default is to retry at
// once.
func failsafeRetry() retrypolicy.RetryPolicy[*http.Response] {
	return failsafehttp.NewRetryPolicyBuilder().
		WithMaxRetries(maxRetries).
		WithBackoff(time.Second, 30*time.Second).
		ReturnLastFailure().
		Build()
}

// failsafeLimiter makes every attempt wait for a permit of the limiter, however long:
// the default is to refuse at once.
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
