package adapt

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// slots is into how many parts the count of accepted answers divides a window.
const slots = 16

const (
	cut         = 0.03 // what an event costs, of what was being got
	youthCut    = 0.05 // in youth
	earlyCut    = 0.05 // where the event came before any probing
	drainedCut  = 0.015
	mostCut     = 0.2
	floorShare  = 1.0 / 256 // never less than this share of the limit
	entryMin    = 1.0 / 64  // the first event leaves at least this share
	entryMax    = 1.0 / 8   // and at most this
	burstShare  = 0.02      // burst, in windows of the rate in force
	forgetAfter = 40        // windows without an event
)

// Rate is the learned rate of one limit: a token bucket
// (golang.org/x/time/rate) that starts as wide as the documented limit and is
// narrowed by what the 429s teach.
//
// Times are durations since any one fixed moment, the same for every call,
// and must not run backwards. A Rate has no lock: its owner holds its own.
type Rate struct {
	limit  int
	window time.Duration
	full   float64 // the documented rate, requests a second
	floor  float64 // never less than this, requests a second

	bucket  *rate.Limiter
	renew   time.Duration // when the bucket is next due the curve's rate
	learned bool
	base    float64       // the rate right after the last event, requests a second
	since   time.Duration // when the climb from base began: the end of the last event's block
	event   time.Duration // requests sent before this belong to the last event
	events  int           // events met since nothing was known
	pressed time.Duration // when the bucket last made somebody wait
	at      time.Duration // when the last event was met
	count   int           // accepted since
	lastGot float64
	lastAvg float64
	lastCut float64
	share   float64
	over    bool
	drained bool

	slot     int64         // number of the newest slot
	accepted [slots]uint32 // accepted answers by slot, a ring
	sum      uint32        // of accepted
}

// New returns the rate of a limit of limit requests per window, with nothing learned.
func New(limit int, window time.Duration) *Rate {
	r := &Rate{limit: limit, window: window, full: float64(limit) / window.Seconds()}
	r.floor = r.full * floorShare
	r.bucket = rate.NewLimiter(rate.Limit(r.full*(1+1e-6)), limit)
	return r
}

// Ready reports whether a token is free, and else when one will be.
// It takes none.
func (r *Rate) Ready(now time.Duration) (ok bool, at time.Duration) {
	r.refresh(now)
	tokens := r.bucket.TokensAt(instant(now))
	if tokens >= 1 {
		return true, now
	}
	r.pressed = now
	return false, now + r.until(1-tokens)
}

// Take takes a token; call it when Ready said yes at the same moment.
func (r *Rate) Take(now time.Duration) {
	r.refresh(now)
	r.bucket.AllowN(instant(now), 1)
}

// When tells when a token will be free for somebody who has ahead others
// before him in the queue, if the rate stays what it is.
func (r *Rate) When(now time.Duration, ahead int) time.Duration {
	r.refresh(now)
	need := float64(ahead+1) - r.bucket.TokensAt(instant(now))
	if need <= 0 {
		return now
	}
	return now + r.until(need)
}

// Answered counts an answer other than 429 to a request sent at sent.
func (r *Rate) Answered(now, sent time.Duration) {
	r.roll(now)
	r.accepted[r.slot%slots]++
	r.sum++
	r.count++
}

// Throttled learns from a 429 to a request sent at sent, which blocks the
// endpoint until blockedUntil. It reports whether the 429 opened an event,
// and did not belong to the one already known.
func (r *Rate) Throttled(now, sent, blockedUntil time.Duration) bool {
	r.refresh(now)
	if r.learned && sent < r.event {
		return false
	}
	r.roll(now)
	inForce := r.PerSecond(now)
	probed := 0.
	if r.learned {
		probed = probe(now-r.since, r.window, r.events)
	}
	got := float64(r.sum) / ((slots-1)*r.slotLength() + now%r.slotLength()).Seconds()
	dt := max(now-r.at, 1)
	avg := float64(r.count) / dt.Seconds()
	if r.learned && r.over && dt < r.window && r.count >= 16 {
		got = avg
	}
	base := min(inForce, got)
	if r.learned && now-r.pressed > r.window {
		base = min(inForce, max(got, r.base))
	}
	early := r.learned && probed <= 0
	if early && r.over && got < .9*r.lastGot && got > .85*r.lastAvg && got < 1.25*r.lastAvg {
		r.drained = true
	}
	r.over = probed > 0 && got > 1.1*avg
	r.lastGot, r.lastAvg = got, avg
	ceiling := base
	r.events++
	switch {
	case !r.learned:
		base = min(max(base*.8, r.full*entryMin), r.full*entryMax)
		r.share = 0
	case early && r.events > youth:
		base *= 1 - earlyCut
	default:
		f := cut
		switch {
		case r.over && r.drained:
			base, f = min(base, avg), drainedCut
			ceiling = min(ceiling, max(avg, base))
		case r.events <= youth:
			f = youthCut
		default:
			f += .5 * max(0, probed*r.full/base-.15)
		}
		if r.events > youth && probed >= .4*probeStep {
			was := r.share
			r.share = probed / r.lastCut * r.full
			if x := base / max(r.share, was) / 1.25; was > 0 && x > 1 {
				f += 1 - math.Pow(x, -.25)
			}
		}
		base *= 1 - min(f, mostCut)
	}
	r.lastCut = max(cut, 1-base/max(ceiling, 1e-9))
	r.base = max(r.floor, base)
	r.learned = true
	r.event = max(now, blockedUntil)
	r.since = r.event
	r.at, r.count = now, 0
	r.renew = 0
	r.refresh(now)
	return true
}

func (r *Rate) slotLength() time.Duration { return max(r.window/slots, 1) }

// PerSecond is the rate in force, in requests a second.
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

// Idle reports that nothing is learned and the bucket is full: a new Rate
// would do the same.
func (r *Rate) Idle(now time.Duration) bool {
	r.refresh(now)
	return !r.learned && r.bucket.TokensAt(instant(now)) >= float64(r.limit)
}

// refresh brings the bucket's rate up to the curve, at most fifty times a window.
func (r *Rate) refresh(now time.Duration) {
	if !r.learned || now < r.renew {
		return
	}
	perSecond := r.PerSecond(now)
	if perSecond >= r.full && now-r.since > forgetAfter*r.window {
		r.forget(now)
		return
	}
	t := instant(now)
	r.bucket.SetLimitAt(t, rate.Limit(perSecond))
	r.bucket.SetBurstAt(t, max(1, int(math.Ceil(perSecond*r.window.Seconds()*burstShare))))
	r.renew = now + r.window/50
}

func (r *Rate) forget(now time.Duration) {
	r.learned, r.over, r.drained, r.events, r.share = false, false, false, 0, 0
	r.fill(now)
}

// fill makes the bucket as wide as the documented limit, and full.
func (r *Rate) fill(now time.Duration) {
	t := instant(now)
	r.bucket.SetBurstAt(t, r.limit)
	r.bucket.SetLimitAt(t, rate.Inf) // a nanosecond at the infinite rate fills it
	// A hair above the limit: what the window bucket lets through must not
	// meet a rounding error here.
	r.bucket.SetLimitAt(t.Add(1), rate.Limit(r.full*(1+1e-6)))
}

// roll drops the slots that have left the window.
func (r *Rate) roll(now time.Duration) {
	slot := int64(now / r.slotLength())
	if slot-r.slot >= slots {
		r.accepted, r.sum, r.slot = [slots]uint32{}, 0, slot
		return
	}
	for r.slot < slot {
		r.slot++
		r.sum -= r.accepted[r.slot%slots]
		r.accepted[r.slot%slots] = 0
	}
}

func (r *Rate) until(tokens float64) time.Duration {
	perSecond := float64(r.bucket.Limit())
	return time.Duration(math.Ceil(tokens / perSecond * float64(time.Second)))
}

func instant(d time.Duration) time.Time { return time.Unix(0, int64(d)) }
