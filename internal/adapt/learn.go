package adapt

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// rules are the learner's parameters. TestWhatEachRuleIsWorth turns each off.
type rules struct {
	// The cuts: the fraction that an event takes off the accepted rate.
	entryCut float64 // at the first event
	plainCut float64 // at an event during the climb
	earlyCut float64 // at an event before the climb; each that follows right after a block compounds
	yieldCut float64 // at any event, if the program yields

	// The climb, in windows and in documented rates. It doubles every window.
	hold, yieldHold float64 // how long it waits, and how much longer if the program yields
	step            float64 // gain of the first window

	youth     int     // how many events a program is young: it has no share to lose yet
	youthStep float64 // the step while young; half of the rate comes on top

	rest float64 // how many windows after a block an event is an echo of the last one
	far  float64 // a climb is far if it got this many times the average since the last event
}

var standard = rules{
	entryCut: 0.2, plainCut: 0.03, earlyCut: 0.05, yieldCut: 0.6,
	hold: 16, yieldHold: 2, step: 0.0012, youth: 2, youthStep: 0.02, rest: 0.5, far: 1.1,
}

// memory is what has been learned.
type memory struct {
	events      int           // how many there were
	base        float64       // the rate that the last event left
	metAt       time.Duration // when the last event was
	unblockedAt time.Duration // when its block ends: the climb is counted from there
	nextCut     float64       // the cut of an event right after its block
	accepted    float64       // requests since the last event
	average     float64       // of accepted, per second, between the last two events

	overshot          bool // the last event ended a far climb
	serverBanksTokens bool // the server saves unused tokens and spends them before it refuses
}

// count estimates the answers accepted in the window that ends now: all in the
// current cell of a grid of windows, and of the previous cell the part that the
// window overlaps.
type count struct {
	index             int64 // of the current cell
	current, previous float64
}

// Answered records an accepted request.
func (r *Rate) Answered(now time.Duration) {
	r.roll(now, r.window)
	r.current++
	r.accepted++
}

// roll moves on to the cell of now.
func (c *count) roll(now, window time.Duration) {
	if index := int64(now / window); index == c.index+1 {
		*c = count{index, 0, c.current}
	} else if index != c.index {
		*c = count{index: index}
	}
}

// got returns the rate at which requests were accepted in the last window.
func (r *Rate) got(now time.Duration) float64 {
	r.roll(now, r.window)
	return (r.current + r.previous*(1-r.windows(now%r.window))) / r.window.Seconds()
}

// Throttled learns from a 429 to a request sent at sent, which blocks the endpoint
// until blockedUntil. It reports whether the 429 is a new event: one to a request
// sent before the last block's end, at the old rate, belongs to the last event.
func (r *Rate) Throttled(now, sent, blockedUntil time.Duration) bool {
	if r.Learned(now) && sent < r.unblockedAt {
		return false
	}
	first, grown := r.events == 0, r.events > r.youth
	echo := !first && r.windows(now-r.unblockedAt) < r.rest
	if echo && r.events == 1 && r.windows(now-r.metAt) < 1+r.rest {
		// The first burst still fills the server's window: the rate that it left has
		// not been tried yet.
		r.unblockedAt = max(now, blockedUntil)
		return true
	}
	early := grown && r.climb(now) == 0
	got, average := r.got(now), r.accepted/max(now-r.metAt, 1).Seconds()

	kept := min(got, r.PerSecond(now))
	if echo || grown {
		// What was accepted may be low because of the block, another program's burst,
		// or little demand. What the last event left is this program's own.
		kept = max(kept, r.base)
	}
	if early {
		r.serverBanksTokens = r.overshot && !r.serverBanksTokens &&
			max(average, r.average) < r.far*min(average, r.average)
	}
	r.overshot = grown && !early && got > r.far*average
	if r.serverBanksTokens && (early || r.overshot) {
		kept = average
	}

	cut := r.plainCut
	if first {
		cut = r.entryCut
	} else if early {
		cut = r.earlyCut
	}
	if r.yields {
		cut = max(cut, r.yieldCut)
	}
	next := r.earlyCut
	if echo {
		cut, next = r.nextCut, r.nextCut*(2-r.nextCut) // as if the last cut were made twice
	}

	r.events++
	r.nextCut = next
	r.base = min(r.full, max(kept*(1-cut), 1/r.window.Seconds())) // at least one request per window
	r.metAt, r.accepted, r.average = now, 0, average
	r.unblockedAt = max(now, blockedUntil)
	if first {
		r.bucket = rate.NewLimiter(rate.Limit(r.base), 1)
	}
	return r.Learned(now)
}

// climb returns how much the rate has grown since the last event.
func (r *Rate) climb(now time.Duration) float64 {
	hold, amount := r.hold, r.full*r.step
	if r.yields {
		hold += r.yieldHold
	}
	if r.events <= r.youth {
		hold, amount = r.rest, r.full*r.youthStep+r.base/2
	}
	return amount * (math.Exp2(max(0, r.windows(now-r.unblockedAt)-hold)) - 1)
}

func (r *Rate) windows(d time.Duration) float64 { return float64(d) / float64(r.window) }
