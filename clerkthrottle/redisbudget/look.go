package redisbudget

import "time"

// earliestLocked returns a lower bound of the moment at which a request with
// ahead others before it in its line can be sent, and the limit it would wait
// for; nil if that is the gate or the learned rate.
func (b *Budget) earliestLocked(ln *line, now time.Duration, ahead int) (at time.Duration, holder *limit) {
	at = max(now, ln.endpoint.gate.Until(), ln.endpoint.paced(now, ahead))
	for _, lim := range ln.limits {
		if t := lim.earliest(now, ahead, b.away); t > at {
			at, holder = t, lim
		}
	}
	return at, holder
}

// refusalLocked returns the error of a request that would wait longer than it
// may, as far as that is known, and nil if it may wait. Unless somebody asked
// Redis a moment ago, what Redis said before refuses nobody.
func (b *Budget) refusalLocked(l *lease, now time.Duration, ahead int) error {
	ln := l.line
	at, holder := max(now, ln.endpoint.gate.Until(), ln.endpoint.paced(now, ahead)), (*limit)(nil)
	if ln.notBefore > now {
		if at, holder = b.earliestLocked(ln, now, ahead); ln.notBefore > at {
			at = ln.notBefore
			holder = ln.holder(now)
		}
	}
	if at <= l.until {
		return nil
	}
	return l.refusal(now, at, holder)
}

// holder returns the limit that lets its requests go last.
func (ln *line) holder(now time.Duration) (holder *limit) {
	at := max(now, ln.endpoint.gate.Until(), ln.endpoint.paced(now, 0))
	for _, lim := range ln.limits {
		if t := lim.retry(now); t > at {
			at, holder = t, lim
		}
	}
	return holder
}

// lookLocked tells those of a line who have not been told yet how long they would
// wait, which refuses those who may not.
func (b *Budget) lookLocked(ln *line, now time.Duration) {
	ahead := 0
	for node := ln.queue.Front(); node != nil; {
		l := node.Value
		node = node.Next()
		if !l.looked {
			l.looked = true
			if err := b.refusalLocked(l, now, ahead); err != nil {
				b.expelLocked(l, err)
				continue
			}
			l.held(now)
		}
		ahead++
	}
}

// blockedLocked is called when a gate has closed, or stays closed for longer:
// Redis is told, and those who may not wait so long.
func (b *Budget) blockedLocked(ep *endpoint, now time.Duration) {
	b.blocks = append(b.blocks, ep)
	b.gateClosedLocked(ep, now)
	b.turnLocked(now)
}
