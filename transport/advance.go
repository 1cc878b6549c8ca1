package transport

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// advanceLocked moves p on, from the station it stands before, as far as it
// gets now, and reports whether it may be sent. Otherwise it stands in a line,
// or is refused, if it waited already and now sees that it would wait too long.
func (s *scheduler) advanceLocked(p *permit, now time.Duration) bool {
	for {
		for int(p.passed) < len(p.stations) {
			st := p.stations[p.passed]
			if st.waiting() > 0 || p.class() >= st.openClasses(now) {
				st.push(p, now)
				s.wakeLocked(st)
				return false
			}
			p.pass(st, now)
		}
		ep := p.endpoint
		if !ep.block.Closed(now) && p.gateEpoch == ep.gateEpoch {
			s.sendLocked(p, now)
			return true
		}
		// The gate closed while p was on its way. Whoever passes the gate
		// again finds it open or waits there, so this ends.
		s.restoreLocked(p, now)
		p.passed = 0
		if err := p.refusalLocked(now); err != nil {
			s.refuseLocked(p, err, now)
			p.grant(err)
			return false
		}
	}
}

// dryRunLocked has p sent now, whatever it would have to wait for: a dry run.
func (s *scheduler) dryRunLocked(p *permit, now time.Duration) {
	at, holder := p.earliestLocked(now)
	if p.tooLate(at) {
		s.countLocked(p.endpoint, now, tally.Counts{Refused: 1})
	}
	for _, st := range p.stations {
		if st.share != nil && !st.ready(now) {
			s.fleet.askLocked(st, now)
		}
		p.pass(st, now)
	}
	if holder != nil { // as if it had waited until now
		p.arrived, p.waiting = now-(at-now), &waiting{holder: holder}
	}
	s.sendLocked(p, now)
}

// restoreLocked gives back, unspent, every token that p took so far.
func (s *scheduler) restoreLocked(p *permit, now time.Duration) {
	for _, st := range p.stations[:p.passed] {
		if st.window != nil {
			st.window.Cancel()
			s.wakeLocked(st)
		}
	}
	if p.paced {
		p.paced = false
		p.endpoint.rate.rate.Cancel(now)
		s.wakeLocked(p.endpoint.rate)
	}
}

// settleLocked gives back what p held, whose answer, or failure, is in.
func (s *scheduler) settleLocked(p *permit, o outcome, now time.Duration) {
	if o == unsent {
		s.restoreLocked(p, now)
	} else {
		for _, st := range p.stations {
			if st.window != nil {
				st.window.Settle(now)
				s.wakeLocked(st)
				if st.share != nil {
					s.fleet.settledLocked(st, now)
				}
			}
		}
	}
	ep := p.endpoint
	switch o {
	case answered:
		ep.answered(now, p.sent)
	case ruled:
		s.countLocked(ep, now, tally.Counts{Throttled: 1})
	case throttledBlind:
		before := ep.block.Until()
		ep.block.BackOff(now, p.sent)
		s.blockMovedLocked(ep, before, now)
		s.throttledLocked(p, now)
	case throttled:
		s.throttledLocked(p, now)
	}
	p.leave()
}

// closedGateLocked is called after a 429, with the end of the block before it.
// Where that has moved, those who wait at the gate and may not wait until its
// new end are told at once.
func (s *scheduler) blockMovedLocked(ep *endpoint, before, now time.Duration) {
	until := ep.block.Until()
	if until == before {
		return
	}
	ep.gateEpoch++
	s.announceBlockLocked(ep, now)
	s.expelLateLocked(&ep.gate, now, func(*permit, int) time.Duration { return until })
	s.wakeLocked(&ep.gate)
}

// expelLateLocked refuses those in a line who would be let pass too late: at the
// moment that a function tells for each, with so many before it in its order.
func (s *scheduler) expelLateLocked(st *station, now time.Duration, when func(p *permit, ahead int) time.Duration) {
	if st.line == nil {
		return
	}
	ahead := 0
	for _, place := range st.line.Places() {
		p := place.Who
		if at := when(p, ahead); p.tooLate(at) {
			s.expelLocked(p, p.refusal(st, now, at), now)
		} else {
			ahead++
		}
	}
}

// wakeLocked notes that a station's line has to be looked at.
func (s *scheduler) wakeLocked(st *station) {
	if st.line != nil {
		s.woken = append(s.woken, st)
	}
}

// drainLocked lets pass whoever can at the stations that were woken. Those who
// pass may wake others, which are served in turn.
func (s *scheduler) drainLocked(now time.Duration) {
	for len(s.woken) > 0 {
		st := s.woken[len(s.woken)-1]
		s.woken = s.woken[:len(s.woken)-1]
		for p := st.pop(now); p != nil; p = st.pop(now) {
			p.pass(st, now)
			if s.advanceLocked(p, now) {
				p.grant(nil)
			}
		}
		s.armLocked(st, now)
	}
}

// armLocked sets the station's timer to the moment at which the first of its
// line can pass, and asks for tokens where they are a Budget's.
func (s *scheduler) armLocked(st *station, now time.Duration) {
	at := never
	if st.line != nil {
		if st.share != nil {
			s.fleet.askLocked(st, now)
		}
		at = st.wakeTime(now)
	}
	switch {
	case at == never && st.wakeAt != never:
		st.timer.Stop()
	case at == never, st.wakeAt != never && st.wakeAt <= at:
		return // one that fires early sets itself anew: cheaper than to move it in a heap of many
	case st.timer == nil:
		st.timer = time.AfterFunc(at-now, func() { s.wake(st) })
	default:
		st.timer.Reset(at - now)
	}
	st.wakeAt = at
}

// wake is what a station's timer does. One that comes late, for a line that has
// moved on since, finds nobody ready and sets itself anew.
func (s *scheduler) wake(st *station) {
	s.mu.Lock()
	defer s.unlock()
	st.wakeAt = never
	s.wakeLocked(st)
	s.drainLocked(s.now())
}
