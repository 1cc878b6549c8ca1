package adapt

import (
	"math"
	"time"
)

// The climb. Lengths are in windows of the limit, amounts in shares of the
// documented rate, so that every program climbs by the same amount whatever
// rate it has: that is what makes the small ones catch up.
const (
	holdWindows     = 12     // a rate is held so long after an event,
	firstStep       = 0.0012 // then it climbs by this, and it doubles
	doublingWindows = 2      // in so many windows,
	gentleDoublings = 4      // for so many doublings,
	hurry           = 4      // and from then on so many times as fast.

	// A newcomer does not hold, and takes bigger steps twice as often: it
	// has no share yet that it could lose.
	youthEvents    = 2
	youthFirstStep = 0.015
)

// The cuts, as shares of the rate that a program was getting.
const (
	plainCut    = 0.03  // an event that probing met
	roundingOf  = 0.25  // and so many requests a window: counts of a few are coarse
	youthCut    = 0.05  // an event met in youth
	earlyCut    = 0.03  // an event before probing began: others' doing, or chance
	savingCut   = 0.015 // an event met after a far climb on a server that saves up
	emptyCut    = 0.1   // an event right after the last block, where the probe had gone far; doubles
	mostCut     = 0.3   // no event right after another costs more
	firstCut    = 0.2   // the first of all
	shareExcess = 1.25  // above so many fair shares …
	sharePower  = 0.25  // … an event costs this power of the excess as well,
	shareCut    = 0.2   // but never more than this
)

// probe is what a rate has climbed, as a share of the documented rate, so
// long after its last event's block ended. events counts the events since
// nothing was known.
func probe(since, window time.Duration, events int) float64 {
	doublings, step := float64(since)/float64(window), youthFirstStep
	if events > youthEvents {
		doublings, step = (doublings-holdWindows)/doublingWindows, firstStep
	}
	if doublings <= 0 {
		return 0
	}
	if doublings > gentleDoublings {
		doublings = gentleDoublings + (doublings-gentleDoublings)*hurry
	}
	return step * (math.Exp2(doublings) - 1)
}

// surplusCut is what a rate of so many fair shares gives up on top.
func surplusCut(fairShares float64) float64 {
	if fairShares <= shareExcess {
		return 0
	}
	return min(shareCut, 1-math.Pow(fairShares/shareExcess, -sharePower))
}

// cut is what an event that probing met costs a program that gets so many
// requests a window.
func cut(perWindow float64, events int) float64 {
	c := plainCut + roundingOf/max(1, perWindow)
	if events <= youthEvents {
		c = max(c, youthCut)
	}
	return c
}
