package adapt

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// burst is how much a learned rate sends at once, in windows of that rate.
const burst = 0.02

// Rate is the rate of one limit as learned from 429s: none until the first, and from
// then on a token bucket (golang.org/x/time/rate).
//
// Times are durations since a fixed moment and must not run backwards. Rates are in
// requests per second. A Rate is not safe for concurrent use: its owner must hold a
// lock.
type Rate struct {
	*rules
	window time.Duration
	full   float64 // the documented rate
	yields bool

	bucket   *rate.Limiter // nil: no rate is learned
	returned int           // tokens returned by Cancel
	memory
	count
}

// New returns the rate of a limit of limit requests per window; both must be
// positive. One that yields leaves the limit to programs that do not, when they need
// it.
func New(limit int, window time.Duration, yields bool) *Rate {
	return &Rate{rules: &standard, window: window, full: float64(limit) / window.Seconds(), yields: yields}
}

// Learned reports whether a learned rate applies. Otherwise no request waits. Once
// the rate has climbed to the documented one, the other programs are gone, and
// everything learned is dropped.
func (r *Rate) Learned(now time.Duration) bool {
	if r.bucket == nil {
		return false
	}
	perSecond := r.PerSecond(now)
	if perSecond >= r.full {
		r.bucket, r.returned, r.memory = nil, 0, memory{}
		return false
	}
	r.bucket.SetLimitAt(instant(now), rate.Limit(perSecond))
	r.bucket.SetBurstAt(instant(now), int(math.Ceil(perSecond*r.window.Seconds()*burst)))
	return true
}

// Idle reports whether a new Rate would behave the same.
func (r *Rate) Idle(now time.Duration) bool { return !r.Learned(now) }

// Ready reports whether a token is free.
func (r *Rate) Ready(now time.Duration) bool { return r.When(now, 0) <= now }

// Take takes a token. Ready must have returned true for the same now.
func (r *Rate) Take(now time.Duration) {
	if r.returned > 0 {
		r.returned--
	} else if r.Learned(now) {
		r.bucket.AllowN(instant(now), 1)
	}
}

// Cancel returns the token of a request that was not sent after all.
func (r *Rate) Cancel(now time.Duration) {
	if r.Learned(now) {
		r.returned = min(r.returned+1, r.bucket.Burst())
	}
}

// When returns when a request with ahead others before it will get a token, if no 429
// comes first. It counts on the climb, in steps: the result may be early, but never
// so little in the future that a timer would spin.
func (r *Rate) When(now time.Duration, ahead int) time.Duration {
	if !r.Learned(now) {
		return now
	}
	missing := float64(ahead) + 1 - float64(r.returned) - r.bucket.TokensAt(instant(now))
	if missing <= 0 {
		return now
	}
	t, step := now, max(r.window/4, 1)
	perSecond := r.PerSecond(t + step)
	for ; missing > perSecond*step.Seconds() && perSecond < r.full; perSecond = r.PerSecond(t + step) {
		missing -= perSecond * step.Seconds()
		t += step
	}
	wait := math.Ceil(missing / perSecond * float64(time.Second))
	if wait >= float64(math.MaxInt64-t) {
		return math.MaxInt64
	}
	return max(t+time.Duration(wait), now+time.Millisecond)
}

// PerSecond returns the rate in force.
func (r *Rate) PerSecond(now time.Duration) float64 {
	if r.bucket == nil {
		return r.full
	}
	return min(r.full, r.base+r.climb(now))
}

func instant(t time.Duration) time.Time { return time.Unix(0, int64(t)) }
