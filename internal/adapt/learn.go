package adapt

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// rules are what the learner goes by. TestWhatEachRuleIsWorth turns them off.
type rules struct {
	// The cuts: what an event takes of the rate that was got.
	entryCut float64 // the first of all
	plainCut float64 // one that the climb met
	earlyCut float64 // one before the climb began; right after a block it doubles
	yieldCut float64 // any, where the program yields

	// The climb, in windows and in documented rates. It doubles every window.
	hold, yieldHold float64 // how long it waits, and how much longer where the program yields
	step            float64 // what the first window brings

	youth     int     // so many events, in which there is no share yet that could be lost
	youthStep float64 // their climb's step; half of the rate comes on top

	rest float64 // the windows after a block in which an event goes with the last one
	far  float64 // a climb went far that got so many times the average since the last event
}

var standard = rules{
	entryCut: 0.2, plainCut: 0.03, earlyCut: 0.05, yieldCut: 0.6,
	hold: 16, yieldHold: 2, step: 0.0012, youth: 2, youthStep: 0.02, rest: 0.5, far: 1.1,
}

// memory is what was learned.
type memory struct {
	events    int           // since nothing was known
	base      float64       // the rate that the last event left
	met       time.Duration // when that was
	unblocked time.Duration // the end of its block: the climb's start
	nextCut   float64       // what an event right after it costs
	answers   float64       // accepted since then
	average   float64       // accepted a second between the two last events

	overshot          bool // the last event ended a far climb
	serverBanksTokens bool // and pays out, before it refuses, what was not used
}

// count estimates what came in the window that ends now: all since the last
// edge of a grid of windows, and of the window before it the part still in ours.
type count struct {
	index        int64 // of the window on the grid
	here, before float64
}

// Answered counts an answer that is not a 429.
func (r *Rate) Answered(now time.Duration) {
	r.roll(now, r.window)
	r.here++
	r.answers++
}

// roll empties what the grid has moved past.
func (c *count) roll(now, window time.Duration) {
	if index := int64(now / window); index == c.index+1 {
		*c = count{index, 0, c.here}
	} else if index != c.index {
		*c = count{index: index}
	}
}

// got returns the rate of the answers that were accepted in the last window.
func (r *Rate) got(now time.Duration) float64 {
	r.roll(now, r.window)
	return (r.here + r.before*(1-r.windows(now%r.window))) / r.window.Seconds()
}

// Throttled learns from a 429 to a request sent at sent, which blocks the
// endpoint until blockedUntil. It reports whether the 429 opened an event: those
// to requests sent before the block's end, on the old rate, belong to the last.
func (r *Rate) Throttled(now, sent, blockedUntil time.Duration) bool {
	if r.Learned(now) && sent < r.unblocked {
		return false
	}
	first, grown := r.events == 0, r.events > r.youth
	echo := !first && r.windows(now-r.unblocked) < r.rest
	if echo && r.events == 1 && r.windows(now-r.met) < 1+r.rest {
		// The burst that began it all still fills the server's window: the rate
		// it left has not been tried yet.
		r.unblocked = max(now, blockedUntil)
		return true
	}
	early := grown && r.climb(now) == 0
	got, average := r.got(now), r.answers/max(now-r.met, 1).Seconds()

	kept := min(got, r.PerSecond(now))
	if echo || grown {
		// What was got has the block in it, or somebody's burst, or is all that
		// was wanted. What the last event left was ours.
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
		cut, next = r.nextCut, r.nextCut*(2-r.nextCut) // as much as the last cut made twice
	}

	r.events++
	r.nextCut = next
	r.base = min(r.full, max(kept*(1-cut), 1/r.window.Seconds())) // one a window is the least
	r.met, r.answers, r.average = now, 0, average
	r.unblocked = max(now, blockedUntil)
	if first {
		r.bucket = rate.NewLimiter(rate.Limit(r.base), 1)
	}
	return r.Learned(now)
}

// climb returns what has been added to the rate that the last event left.
func (r *Rate) climb(now time.Duration) float64 {
	hold, amount := r.hold, r.full*r.step
	if r.yields {
		hold += r.yieldHold
	}
	if r.events <= r.youth {
		hold, amount = r.rest, r.full*r.youthStep+r.base/2
	}
	return amount * (math.Exp2(max(0, r.windows(now-r.unblocked)-hold)) - 1)
}

func (r *Rate) windows(d time.Duration) float64 { return float64(d) / float64(r.window) }
