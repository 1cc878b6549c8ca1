package adapt

import (
	"math"
	"time"
)

const (
	holdWindows = 11.   // windows a rate is held after an event before it probes
	probeStep   = 0.001 // the probe's first step, as a share of the limit
	doubling    = 2.    // windows in which the probe doubles …
	gentleFor   = 3.5   // … for so many doublings; then
	hurry       = 2.3   // it doubles so many times as fast

	youth     = 2     // events after which a newcomer is one no more
	youthStep = 0.005 // a newcomer's first step; it doubles every window
	youthHold = 1.    // windows a newcomer holds after its second event
)

// probe is what a rate may add, as a share of the limit, so long after its
// last event's end, when it has met so many events since it knew nothing.
func probe(since, window time.Duration, events int) float64 {
	u, step := float64(since)/float64(window), 0.
	if events <= youth {
		u, step = u-youthHold*float64(events-1), youthStep
	} else {
		u, step = (u-holdWindows)/doubling, probeStep
	}
	if u <= 0 {
		return 0
	}
	if u > gentleFor {
		u = gentleFor + (u-gentleFor)*hurry
	}
	return step * (math.Exp2(u) - 1)
}
