package transport

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// advanceLocked moves p from its next station as far as it can go now, and reports
// whether it may be sent. If not, p waits in a line, or has been refused because it
// would now wait too long.
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
		// The gate closed after p passed it. p starts over there, and passes or
		// waits, so this loop ends.
		s.restoreLocked(p, now)
		p.passed = 0
		if err := p.refusalLocked(now); err != nil {
			s.refuseLocked(p, err, now)
			p.grant(err)
			return false
		}
	}
}

// dryRunLocked sends p now, whatever it would have to wait for.
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
	if holder != nil { // report it as if it had waited until now
		p.arrived, p.waiting = now-(at-now), &waiting{holder: holder}
	}
	s.sendLocked(p, now)
}

// restoreLocked returns every token that p has taken, unspent.
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

// settleLocked gives back p's tokens and learns from its outcome.
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

// blockMovedLocked follows up on a 429; before is when the block ended until then.
// If it now ends later, waiters at the gate that may not wait that long are refused
// at once.
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

// expelLateLocked refuses the waiters of a line that would pass too late; when
// returns the time for a waiter with ahead others before it.
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

// wakeLocked marks a station's line for drainLocked to check.
func (s *scheduler) wakeLocked(st *station) {
	if st.line != nil {
		s.woken = append(s.woken, st)
	}
}

// drainLocked lets waiters pass at the woken stations, for as long as any can. A
// waiter that passes may wake further stations.
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

// armLocked sets the station's timer to when the first in line can pass, and asks a
// Budget for tokens if they are shared.
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
		return // an early timer resets itself: cheaper than moving it among many timers
	case st.timer == nil:
		st.timer = time.AfterFunc(at-now, func() { s.wake(st) })
	default:
		st.timer.Reset(at - now)
	}
	st.wakeAt = at
}

// wake runs when a station's timer fires. If the line has moved on since, no waiter
// can pass and the timer is reset.
func (s *scheduler) wake(st *station) {
	s.lock()
	defer s.unlock()
	st.wakeAt = never
	s.wakeLocked(st)
	s.drainLocked(s.now())
}
