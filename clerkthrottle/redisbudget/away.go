package redisbudget

import (
	"errors"
	"math"
	"time"
)

// Redis is looked for after this long, then twice as long, up to the second one;
// more seldom while calls hang that were given up, each on a connection of the
// client's.
const (
	firstProbe = 100 * time.Millisecond
	lastProbe  = time.Second
)

// failedLocked is called when a call failed: from now on, and until a call
// succeeds, this program is on its own. It returns what to tell the user outside
// of the lock.
func (b *Budget) failedLocked(c *call, err error, now time.Duration) (report func()) {
	for _, l := range c.limits { // whether Redis heard it or not, tell it again: twice is safe
		l.settled, l.sending, l.urgent = append(l.sending, l.settled...), nil, true
		b.owesLocked(l)
	}
	for i, ep := range c.gates {
		if c.known[i] > 0 {
			ep.shared = false
			b.blocks = append(b.blocks, ep)
		}
	}
	if errors.Is(err, errStale) {
		b.id = newID()
		for _, l := range b.limits.all() {
			l.known, l.whole = 0, l.held() > 0
		}
	}
	b.failures++
	wait := min(firstProbe<<min(b.failures-1, 10), lastProbe)
	if b.given > 2 {
		wait <<= min(b.given-2, 5)
	}
	b.probeAt, b.awayErr = now+wait, err
	if b.away {
		return nil
	}
	b.away, b.since, b.mending = true, now, false
	b.losses++
	for _, l := range b.limits.all() {
		l.phase += l.granule // makes up for what align moved
	}
	for _, ln := range b.lines.all() {
		ln.notBefore = 0
	}
	log, fallback := b.cfg.logger, b.cfg.fallback
	return func() {
		log.Warn("redisbudget: Redis is away", "err", err, "requests_go_on", fallback)
	}
}

// returnLocked is called when a call succeeded while Redis was away. Programs
// return one by one, and Redis knows what each sent only when it has: until all
// did, this one keeps to its own share as well.
func (b *Budget) returnLocked(now time.Duration) (report func()) {
	away := now - b.since
	b.away, b.since, b.failures, b.awayErr, b.mending = false, now, 0, nil, true
	for _, l := range b.limits.all() {
		l.recover(now + recovery)
		if len(l.settled) > 0 || l.inFlight > 0 {
			l.urgent = true
			b.owesLocked(l)
		}
	}
	b.publishLocked(now)
	for _, ln := range b.lines.all() {
		ln.notBefore = 0
	}
	log := b.cfg.logger
	return func() { log.Info("redisbudget: Redis is back", "away_for", away) }
}

// publishLocked tells Redis of all blocks that hold: it may have lost them.
func (b *Budget) publishLocked(now time.Duration) {
	for _, ep := range b.endpoints.all() {
		if !ep.gate.Ready(now) {
			ep.shared = false
			b.blocks = append(b.blocks, ep)
		}
	}
}

// alone reports whether 429s may come from this fleet itself: Redis is away, or
// came back just now.
func (b *Budget) alone() bool { return b.away || b.mending }

// mendedLocked is called when the whole fleet is back. What was learned from 429s
// meanwhile was learned from the fleet itself, and holds no more.
func (b *Budget) mendedLocked() {
	b.mending = false
	for _, ep := range b.endpoints.all() {
		if ep.alone {
			ep.forget()
			b.rateLocked(ep, b.now())
		}
	}
}

// serveLocked lets requests go while Redis is away: as many as this program's
// share of each limit allows. It returns when it can let more go.
func (b *Budget) serveLocked(now time.Duration) (next time.Duration) {
	if !b.cfg.fallback {
		for _, ln := range b.active {
			for ln.queue.Len() > 0 {
				l := ln.queue.Front().Value
				b.expelLocked(l, &UnavailableError{Endpoint: l.claim.Endpoint, Err: b.awayErr})
			}
		}
		return math.MaxInt64
	}
	for again := true; again; {
		var waiting []*lease
		waiting, next = b.waitingLocked(now)
		again = false
		for _, l := range waiting {
			ln := l.line
			if ln.notBefore > now {
				continue // somebody before it in its line was held up
			}
			if at, _ := b.earliestLocked(ln, now, 0); at > now {
				ln.notBefore = at
				b.lookLocked(ln, now)
				next = min(next, at)
				continue
			}
			b.grantLocked(l, now)
			again = true
		}
	}
	return next
}
