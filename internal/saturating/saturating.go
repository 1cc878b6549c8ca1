// Package saturating adds up times that may be centuries apart, which would
// otherwise wrap into the past: a Retry-After, or the longest wait there is.
package saturating

import (
	"math"
	"time"
)

// Add returns now + d, and the end of time where that is later. now is not
// negative.
func Add(now, d time.Duration) time.Duration {
	if d > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + d
}

// AddTimes returns now + n·d, and the end of time where that is later. Nothing of
// it is negative.
func AddTimes(now time.Duration, n int, d time.Duration) time.Duration {
	if n > 0 && d > (math.MaxInt64-now)/time.Duration(n) {
		return math.MaxInt64
	}
	return now + time.Duration(n)*d
}
