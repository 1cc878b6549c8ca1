package redisbudget

import (
	"math"
	"slices"
	"time"
)

const (
	maxAsked  = 256 // requests of one line that one call asks for
	maxRuns   = 128 // turns that lines take in one call
	maxLimits = 64  // limits that one call names
)

// turnLocked does what is due: it lets requests go that need no call, starts the
// call that is due, and sets the timer to what comes next.
func (b *Budget) turnLocked(now time.Duration) {
	b.tidyLocked()
	if b.mending && now-b.since >= recovery {
		b.mendedLocked()
	}
	next := time.Duration(math.MaxInt64)
	if b.away {
		next = b.serveLocked(now)
	}
	if b.call == nil {
		c, at := b.composeLocked(now)
		if c != nil {
			b.startLocked(c, now)
		} else {
			next = min(next, at)
			if b.closed && b.quiet != nil {
				close(b.quiet)
				b.quiet = nil
			}
		}
	}
	b.setLocked(next, now)
}

// tidyLocked drops from the lists what has nothing to do there.
func (b *Budget) tidyLocked() {
	b.active = slices.DeleteFunc(b.active, func(ln *line) bool {
		ln.active = ln.queue.Len() > 0
		return !ln.active
	})
	b.owing = slices.DeleteFunc(b.owing, func(l *limit) bool {
		l.owing = l.inFlight > 0 || len(l.settled) > 0 || len(l.sending) > 0 || l.urgent || l.whole
		return !l.owing
	})
}

// settleByLocked sees to it that Redis hears in time of what was settled.
func (b *Budget) settleByLocked(ln *line, now time.Duration) {
	for _, lim := range ln.limits {
		if b.closed {
			lim.urgent = true
		}
		b.armLocked(lim.due(now, b.cfg.bound), now)
	}
}

// armLocked sets the timer to at, unless it fires before.
func (b *Budget) armLocked(at, now time.Duration) {
	if b.armed == 0 || at < b.armed {
		b.setLocked(at, now)
	}
}

// setLocked sets the timer to at, and to nothing for the end of time.
func (b *Budget) setLocked(at, now time.Duration) {
	at = max(at, 1)
	switch at {
	case b.armed:
	case math.MaxInt64:
		if b.armed != 0 {
			b.timer.Stop()
			b.armed = 0
		}
	default:
		b.armed = at
		if b.timer == nil {
			b.timer = time.AfterFunc(at-now, b.wake)
		} else {
			b.timer.Reset(at - now)
		}
	}
}

// wake is what the timer does.
func (b *Budget) wake() {
	b.mu.Lock()
	defer b.unlock()
	b.armed = 0
	b.turnLocked(b.now())
}

// waitingLocked returns those who may be sent, as far as this program alone can
// tell, in the order in which they go; and when somebody else may be.
func (b *Budget) waitingLocked(now time.Duration) (waiting []*lease, next time.Duration) {
	next = math.MaxInt64
	for _, ln := range b.active {
		at := max(ln.notBefore, ln.endpoint.gate.Until(), ln.endpoint.paced(now, 0))
		if at > now {
			next = min(next, at)
			continue
		}
		most := maxAsked
		for node := ln.queue.Front(); node != nil && most > 0; node = node.Next() {
			waiting = append(waiting, node.Value)
			most--
		}
	}
	waiting = b.inOrderLocked(waiting)
	b.look++
	return slices.DeleteFunc(waiting, func(l *lease) bool {
		ep := l.line.endpoint
		if !ep.learned(now) {
			return false
		}
		again := ep.seen == b.look
		ep.seen = b.look
		return again // a learned rate decides about one at a time
	}), next
}

// composeLocked puts the call together that is due now, or returns nil and the
// moment at which one will be.
func (b *Budget) composeLocked(now time.Duration) (c *call, next time.Duration) {
	if b.away && (now < b.probeAt || b.closed) {
		if b.closed {
			return nil, math.MaxInt64
		}
		return nil, b.probeAt
	}
	c = newCall(b, now)
	next = math.MaxInt64
	if !b.away {
		var waiting []*lease
		var held []*line
		waiting, next = b.waitingLocked(now)
		for _, l := range waiting {
			if l.line.notBefore > now {
				continue // one before it in its line was held up
			}
			if at := c.ask(l, now); at > now {
				l.line.notBefore = at
				held = append(held, l.line)
			}
		}
		for _, ln := range held {
			if c.line(ln) == len(c.lines) { // else the answer tells
				b.lookLocked(ln, now)
			}
			next = min(next, ln.notBefore)
		}
	}
	due := c.asks > 0 || len(b.blocks) > 0 || b.away
	for _, l := range b.owing {
		at := l.due(now, b.cfg.bound)
		if b.closed && len(l.settled) > 0 {
			at = now
		}
		due = due || at <= now
		next = min(next, at)
	}
	if !due {
		return nil, next
	}
	for _, ep := range b.blocks {
		c.gate(ep)
	}
	b.blocks = b.blocks[:0]
	for _, l := range b.owing {
		if len(c.limits) < maxLimits && (len(l.settled) > 0 || l.due(now, b.cfg.bound) <= now+b.cfg.bound/6) {
			c.limit(l)
		}
	}
	if b.away && len(c.limits) == 0 { // a call that writes shows whether Redis takes writes
		for _, l := range b.limits.all() {
			c.limit(l)
			break
		}
	}
	return c, next
}
