package peers

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/sim"
)

// newAWSClient returns the retry layer of an AWS SDK client in adaptive mode. Its
// backoff is the SDK's formula, with random numbers that can be seeded.
func newAWSClient(network http.RoundTripper, seed uint64) http.RoundTripper {
	mode := retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
		o.FailOnNoAttemptTokens = true
		o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) {
			o.MaxAttempts = 1 + maxRetries
			o.Backoff = awsBackoff(seed)
			o.RateLimiter = ratelimit.None
		})
	})
	attempt := retry.NewAttemptMiddleware(patient{mode}, func(v any) any { return v })
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		send := func(ctx context.Context, _ middleware.FinalizeInput) (out middleware.FinalizeOutput, md middleware.Metadata, err error) {
			resp, err := network.RoundTrip(req.WithContext(ctx))
			if err == nil && resp.StatusCode == http.StatusTooManyRequests {
				resp.Body.Close()
				err = awsThrottled{resp}
			}
			out.Result = resp
			return out, md, err
		}
		out, _, err := attempt.HandleFinalize(req.Context(), middleware.FinalizeInput{Request: req}, middleware.FinalizeHandlerFunc(send))
		if err != nil {
			return nil, err
		}
		return out.Result.(*http.Response), nil
	})
}

// patient polls for a token of the adaptive mode every 50 ms. The mode itself sleeps
// until it expects one, and again if another request took it; for an expected wait
// below a nanosecond it does not sleep at all, so that virtual time would stand still
// for ever.
type patient struct{ *retry.AdaptiveMode }

// GetAttemptToken implements aws.RetryerV2.
func (p patient) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	for {
		release, err := p.AdaptiveMode.GetAttemptToken(ctx)
		if err == nil || ctx.Err() != nil {
			return release, err
		}
		sim.Pause(ctx, 50*time.Millisecond)
	}
}

// awsBackoff is retry.ExponentialJitterBackoff with a seed: random, up to 2^attempt
// seconds, and 20 s from the fifth attempt on.
func awsBackoff(seed uint64) retry.BackoffDelayerFunc {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0xa35))
	return func(attempt int, _ error) (time.Duration, error) {
		if attempt > int(math.Log2(retry.DefaultMaxBackoff.Seconds())) {
			return retry.DefaultMaxBackoff, nil
		}
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(random.Float64() * float64(int64(1)<<attempt) * float64(time.Second)), nil
	}
}

// awsThrottled is a 429 as an SDK client's error.
type awsThrottled struct{ resp *http.Response }

func (awsThrottled) Error() string     { return "429" }
func (awsThrottled) ErrorCode() string { return "TooManyRequestsException" }
