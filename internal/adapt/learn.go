package adapt

import "time"

// Answered counts an answer that is not a 429, whenever its request
// was sent.
func (r *Rate) Answered(now, _ time.Duration) {
	r.roll(now)
	r.accepted[r.slot%slots]++
	r.inWindow++
	r.count++
}

// Throttled learns from a 429 to a request sent at sent, which blocks the
// endpoint until blockedUntil. It reports whether the 429 opened an event;
// else it was one more of the last.
//
// An event is every 429 to a request sent before the block's end: all of
// them were on their way, or on the server, before the rate that the first
// one brought could show.
func (r *Rate) Throttled(now, sent, blockedUntil time.Duration) bool {
	r.refresh(now)
	if r.learned && sent < r.since {
		return false
	}
	r.roll(now)
	got := r.measured(now)
	if !r.learned {
		base := min(max(got*(1-firstCut), r.full*entryMin), r.full*entryMax)
		r.first, r.again, r.events = now, earlyCut, 1
		r.settle(now, blockedUntil, base, got, got)
		return true
	}

	inForce, climbed := r.PerSecond(now), probe(now-r.since, r.window, r.events)
	between := now - r.met
	avg := float64(r.count) / max(between, 1).Seconds()
	early := climbed <= 0 || now-r.since < r.window
	emptied := early && r.emptied(between, avg)
	if emptied {
		got = avg
	}
	if early {
		// What the last cut took for a server that saves up should have held.
		r.saves = emptied && !r.saves
	}
	// Right after a block, the window before tells more of the block than of us.
	chained := !emptied && now-r.since < r.window/2
	base := min(inForce, got)
	switch {
	case chained:
		got, base = r.got, inForce
	case now-r.pressed > r.window:
		// Nobody waited for us: what we got was what we asked for.
		base = min(inForce, max(got, r.base))
	}
	if !chained {
		r.first = now
	}
	if !chained || r.events > 1 {
		r.events++
	}

	r.over = !early && got > 1.1*avg
	if r.over && r.saves {
		base = min(base, avg)
	}
	ceiling := base
	switch {
	case chained && r.events == 1 && now-r.first < r.window+r.window/8 && inForce < 0.9*got:
		// The burst that began it all still fills the server's window: the
		// rate it left has not been tried yet.
	case chained:
		base *= 1 - r.again
		r.again = min(mostCut, 2*r.again)
	case early && r.events > youthEvents:
		base *= 1 - earlyCut
	default:
		c := cut(base*r.window.Seconds(), r.events)
		if r.over && r.saves {
			c = savingCut
		}
		base *= 1 - c - surplusCut(r.fairShares(base, climbed))
	}
	if !early {
		r.again = earlyCut
		if r.over {
			r.again = emptyCut
		}
	}
	r.lastCut = max(0.01, 1-base/max(ceiling, base))
	r.settle(now, blockedUntil, base, got, avg)
	return true
}

// emptied reports whether the event shows a server that saves up what is not
// used, as a token bucket does: the last event emptied it after a long climb,
// this one emptied it again soon, and what was got in between, our share of
// what it refills, is what was got on average before the last event, and not
// what was got in the window before it.
func (r *Rate) emptied(between time.Duration, avg float64) bool {
	if !r.over || r.since-r.met > r.window/4 ||
		avg >= 0.9*r.got || avg <= 0.7*r.avg || avg >= 1.4*r.avg {
		return false
	}
	if r.events <= youthEvents {
		return between < r.window && r.count >= reliable
	}
	return between < 3*r.window
}

// fairShares is how many fair shares base is, 0 where nothing tells.
//
// All programs climbed by the same amount, and together they took back what
// the last event had cost them: its cut. So a fair share is the climb divided
// by the cut. One event that something else brought on early would make it
// small: of the last two, the larger counts.
func (r *Rate) fairShares(base, climbed float64) float64 {
	if r.events <= youthEvents || climbed < 0.4*firstStep {
		return 0
	}
	before := r.share
	r.share = climbed / r.lastCut
	if before == 0 {
		return 0
	}
	return base / r.full / max(before, r.share)
}

func (r *Rate) settle(now, blockedUntil time.Duration, base, got, avg float64) {
	r.learned = true
	r.base = min(r.full, max(r.full*floorShare, base))
	r.got, r.avg = got, avg
	r.met, r.count = now, 0
	r.since = max(now, blockedUntil)
	r.renew = now
	r.refresh(now)
}

// measured is the rate of accepted answers in the window that ends now.
func (r *Rate) measured(now time.Duration) float64 {
	part := r.part()
	return float64(r.inWindow) / ((slots-1)*part + now%part + 1).Seconds()
}

// roll drops the parts that have left the window.
func (r *Rate) roll(now time.Duration) {
	slot := int64(now / r.part())
	if slot-r.slot >= slots {
		r.accepted, r.inWindow, r.slot = [slots]uint32{}, 0, slot
	}
	for r.slot < slot {
		r.slot++
		r.inWindow -= r.accepted[r.slot%slots]
		r.accepted[r.slot%slots] = 0
	}
}

func (r *Rate) part() time.Duration { return max(r.window/slots, 1) }
