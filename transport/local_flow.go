package transport

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// advanceLocked moves l on, from the station it stands before, as far as it
// gets now, and reports whether it may be sent. Otherwise it stands in a line,
// or is refused, if it waited already and now sees that it would wait too long.
func (b *localBudget) advanceLocked(l *lease, now time.Duration) bool {
	for {
		for l.at < len(l.way) {
			st := l.way[l.at]
			if st.waiting() > 0 || l.class >= st.open(now) {
				st.push(l, now)
				b.wakeLocked(st)
				return false
			}
			l.pass(st, now)
		}
		if l.endpoint.gate.Ready(now) && l.closures == l.endpoint.closures {
			b.sendLocked(l, now)
			return true
		}
		// The gate closed while l was on its way. Whoever passes the gate
		// again finds it open or waits there, so this ends.
		b.restoreLocked(l, now)
		l.at = 0
		if err := l.refusalLocked(now); err != nil {
			b.refuseLocked(l, err, now)
			l.grant(err)
			return false
		}
	}
}

// passLocked has l sent now, whatever it would have to wait for: a dry run.
func (b *localBudget) passLocked(l *lease, now time.Duration) {
	at, holder := l.earliestLocked(now)
	l.holder = holder
	if l.tooLate(at) {
		b.noteLocked(l, now, tally.Counts{Refused: 1}, 0)
	}
	for _, st := range l.way {
		l.pass(st, now)
	}
	l.arrived = now - (at - now) // as if it had waited until now
	b.sendLocked(l, now)
}

// restoreLocked gives back, unspent, every token that l took so far.
func (b *localBudget) restoreLocked(l *lease, now time.Duration) {
	for _, st := range l.way[:l.at] {
		if st.window != nil {
			st.window.Cancel()
			b.wakeLocked(st)
		}
	}
	if l.paced {
		l.paced = false
		l.endpoint.pace.rate.Cancel(now)
		b.wakeLocked(&l.endpoint.pace.station)
	}
}

// spendLocked counts the tokens of a request whose answer, or failure, is in.
func (b *localBudget) spendLocked(l *lease, now time.Duration) {
	for _, st := range l.way {
		if st.window != nil {
			st.window.Settle(now)
			b.wakeLocked(st)
		}
	}
}

// closedGateLocked is called after a 429, with the end of the block before it.
// Where that has moved, those who wait at the gate and may not wait until its
// new end are told at once.
func (b *localBudget) closedGateLocked(ep *endpoint, before, now time.Duration) {
	if ep.gateRule.Until() == before {
		return
	}
	ep.closures++
	b.blockedLocked(ep, now)
	if ep.gate.line == nil {
		return
	}
	until := ep.gateRule.Until()
	for _, p := range ep.gate.line.Places() {
		if l := p.Who; l.tooLate(until) {
			b.expelLocked(l, l.refusal(&ep.gate, now, until), now)
		}
	}
	b.wakeLocked(&ep.gate)
}

// wakeLocked notes that a station's line has to be looked at.
func (b *localBudget) wakeLocked(st *station) {
	if st.line != nil {
		b.woken = append(b.woken, st)
	}
}

// drainLocked lets pass whoever can at the stations that were woken. Those who
// pass may wake others, which are served in turn.
func (b *localBudget) drainLocked(now time.Duration) {
	for len(b.woken) > 0 {
		st := b.woken[len(b.woken)-1]
		b.woken = b.woken[:len(b.woken)-1]
		for l := st.pop(now); l != nil; l = st.pop(now) {
			l.pass(st, now)
			if b.advanceLocked(l, now) {
				l.grant(nil)
			}
		}
		b.armLocked(st, now)
	}
}

// armLocked sets the station's timer to the moment at which the first of its
// line can pass.
func (b *localBudget) armLocked(st *station, now time.Duration) {
	if st.line == nil {
		if st.wakeAt != 0 {
			st.timer.Stop()
			st.wakeAt = 0
		}
		return
	}
	at := st.wakeTime(now)
	if at == st.wakeAt {
		return
	}
	st.wakeAt = at
	if st.timer == nil {
		st.timer = time.AfterFunc(at-now, func() { b.wake(st) })
		return
	}
	st.timer.Reset(at - now)
}

// wake is what a station's timer does. One that comes late, for a line that has
// moved on since, finds nobody ready and sets itself anew.
func (b *localBudget) wake(st *station) {
	b.mu.Lock()
	defer b.unlock()
	st.wakeAt = 0
	b.wakeLocked(st)
	b.drainLocked(b.now())
}
