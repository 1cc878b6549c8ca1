package clerktest

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// Latency draws one round-trip time: half passes before the request arrives and is
// counted, half before the answer is back. It is called under the server's lock and
// must not block. A negative result counts as 0.
type Latency func(r *rand.Rand) time.Duration

// Constant returns the same round-trip time for every request.
func Constant(d time.Duration) Latency {
	return func(*rand.Rand) time.Duration { return d }
}

// Uniform draws round-trip times evenly from [lo, hi).
func Uniform(lo, hi time.Duration) Latency {
	return func(r *rand.Rand) time.Duration {
		return lo + time.Duration(r.Int64N(max(1, int64(hi-lo))))
	}
}

// Lognormal draws round-trip times whose logarithm is normally distributed: half are
// below median, and sigma sets the length of the tail (0.5 is typical of the public
// internet).
func Lognormal(median time.Duration, sigma float64) Latency {
	return func(r *rand.Rand) time.Duration {
		return time.Duration(min(float64(median)*math.Exp(sigma*r.NormFloat64()), math.MaxInt64/4))
	}
}

// wait waits for d, or forever if d is negative, on the caller's goroutine, as a
// bubble of testing/synctest needs. It returns an error if the context ends first.
func wait(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil || d == 0 {
		return context.Cause(ctx)
	}
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
