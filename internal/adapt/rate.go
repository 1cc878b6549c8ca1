package adapt

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

const (
	floorShare  = 1.0 / 256 // a rate never falls below this share of the limit
	entryMin    = 1.0 / 128 // the first event leaves at least this share,
	entryMax    = 1.0 / 8   // and at most this, however much the burst before it got
	burstShare  = 0.02      // a learned rate's burst, in windows of it
	forgetAfter = 40        // windows without an event, the rate back at the limit

	slots    = 16 // into so many parts a window's count of answers is divided
	renewals = 50 // the bucket follows the climb so many times a window
	reliable = 16 // answers that make a rate measured over less than a window
)

// Rate is the learned rate of one limit: a token bucket
// (golang.org/x/time/rate) as wide as the documented limit, which the 429s
// narrow.
//
// Times are durations since one fixed moment, the same for every call; they
// must not run backwards. Rates are in requests a second. A Rate is not safe
// for simultaneous use: its owner holds a lock. After New it allocates
// nothing.
type Rate struct {
	window time.Duration
	full   float64 // the documented rate
	limit  int

	bucket *rate.Limiter
	inUse  float64       // the bucket's rate
	renew  time.Duration // when the bucket is due the climb's next rate

	// What was learned. learned is false until the first event.
	learned bool
	events  int           // since nothing was known; the first one's echoes not counted
	base    float64       // the rate the last event left
	since   time.Duration // the end of the last event's block: the climb's start
	share   float64       // the fair share by the last event that told it, of the limit; 0: none did
	lastCut float64       // what the last event cost

	// The last event, as the next one needs it.
	met      time.Duration // when
	first    time.Duration // when the first of a chain of events was
	got, avg float64       // what was got: in the window before it, and on average since the one before
	over     bool          // the climb had gone far: got well above avg
	saves    bool          // the server saves up: after a far climb, avg tells what can be had
	again    float64       // what an event right after it costs

	pressed  time.Duration // when the bucket last made somebody wait
	count    int           // answers accepted since the last event
	accepted [slots]uint32 // answers accepted in the window, by its parts: a ring
	inWindow uint32        // their sum
	slot     int64         // the number of the newest part
}

// New returns the rate of a limit of so many requests a window, with nothing
// learned. Both must be positive.
func New(limit int, window time.Duration) *Rate {
	r := &Rate{window: window, full: float64(limit) / window.Seconds(), limit: limit}
	r.inUse = r.wide()
	r.bucket = rate.NewLimiter(rate.Limit(r.inUse), limit)
	return r
}

// Ready reports whether a token is free now, and else when one will be. It
// takes none.
func (r *Rate) Ready(now time.Duration) (ok bool, at time.Duration) {
	if at = r.When(now, 0); at <= now {
		return true, now
	}
	r.pressed = now
	return false, at
}

// Take takes a token. Call it where Ready said yes at the same moment.
func (r *Rate) Take(now time.Duration) {
	r.refresh(now)
	r.bucket.AllowN(instant(now), 1)
}

// Cancel gives back the token of a request that was not sent after all.
func (r *Rate) Cancel(now time.Duration) {
	r.refresh(now)
	// A negative number of tokens is added: what Reservation.CancelAt does, and
	// the bucket still holds no more than its burst.
	r.bucket.AllowN(instant(now), -1)
}

// When tells when there will be a token for somebody with so many others
// before him, if the rate stays what it is. It climbs between events: he may
// have it sooner.
func (r *Rate) When(now time.Duration, ahead int) time.Duration {
	r.refresh(now)
	missing := float64(ahead) + 1 - r.bucket.TokensAt(instant(now))
	if missing <= 0 {
		return now
	}
	return later(now, missing/r.inUse)
}

// Soonest is When with the climb counted in: the moment to expect if no 429
// comes meanwhile. Who would have to wait longer than he may is refused by it,
// and not by a rate that is low only right after an event.
func (r *Rate) Soonest(now time.Duration, ahead int) time.Duration {
	r.refresh(now)
	missing := float64(ahead) + 1 - r.bucket.TokensAt(instant(now))
	if missing <= 0 {
		return now
	}
	const looks = 4 // a window
	t, step := now, max(r.window/looks, 1)
	for range looks * forgetAfter {
		perSecond := r.PerSecond(t + step) // at the end of the step: early rather than late
		got := perSecond * step.Seconds()
		if got >= missing || perSecond >= r.full {
			return later(t, missing/perSecond)
		}
		missing -= got
		t += step
	}
	return later(t, missing/r.full)
}

// later returns t and so many seconds, or the end of time.
func later(t time.Duration, seconds float64) time.Duration {
	if wait := math.Ceil(seconds * float64(time.Second)); wait < float64(math.MaxInt64-t) {
		return t + time.Duration(wait)
	}
	return math.MaxInt64
}

// PerSecond is the rate in force.
func (r *Rate) PerSecond(now time.Duration) float64 {
	if !r.learned {
		return r.full
	}
	return min(r.full, r.base+r.full*probe(now-r.since, r.window, r.events))
}

// Learned reports whether 429s narrow the rate.
func (r *Rate) Learned(now time.Duration) bool {
	r.refresh(now)
	return r.learned
}

// Idle reports that a new Rate would do the same: nothing is learned and the
// bucket is full.
func (r *Rate) Idle(now time.Duration) bool {
	return !r.Learned(now) && r.bucket.TokensAt(instant(now)) >= float64(r.limit)
}

// refresh brings the bucket's rate up to the climb's.
func (r *Rate) refresh(now time.Duration) {
	if !r.learned || now < r.renew {
		return
	}
	r.inUse = r.PerSecond(now)
	if r.inUse >= r.full && now-r.since >= forgetAfter*r.window {
		r.forget(now)
		return
	}
	t := instant(now)
	r.bucket.SetLimitAt(t, rate.Limit(r.inUse))
	r.bucket.SetBurstAt(t, int(math.Ceil(r.inUse*r.window.Seconds()*burstShare)))
	r.renew = now + r.window/renewals
}

// forget makes r a newcomer again, with a full bucket.
func (r *Rate) forget(now time.Duration) {
	r.learned, r.events, r.share, r.over, r.saves = false, 0, 0, false, false
	r.inUse = r.wide()
	t := instant(now)
	r.bucket.SetBurstAt(t, r.limit)
	r.bucket.SetLimitAt(t.Add(-1), rate.Inf)
	r.bucket.SetLimitAt(t, rate.Limit(r.inUse)) // a nanosecond at rate.Inf has filled it
}

// wide is a hair above the documented rate: a window's worth that the window
// bucket lets through must not meet a rounding error here.
func (r *Rate) wide() float64 { return r.full * (1 + 1e-6) }

func instant(t time.Duration) time.Time { return time.Unix(0, int64(t)) }
