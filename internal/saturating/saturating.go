// Package saturating adds durations without overflow. A huge Retry-After, or the
// longest possible wait, would otherwise wrap into the past.
package saturating

import (
	"math"
	"time"
)

// Add returns now + d, at most [math.MaxInt64]. now must not be negative.
func Add(now, d time.Duration) time.Duration { return AddTimes(now, 1, d) }

// AddTimes returns now + n·d, at most [math.MaxInt64]. Neither now nor n may be
// negative.
func AddTimes(now time.Duration, n int, d time.Duration) time.Duration {
	if n > 0 && d > (math.MaxInt64-now)/time.Duration(n) {
		return math.MaxInt64
	}
	return now + time.Duration(n)*d
}
