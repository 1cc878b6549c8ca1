package redisbudget

import (
	"strconv"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// routeLocked finds, or makes, what l's claim names.
func (b *Budget) routeLocked(l *lease, class int, now time.Duration) {
	c := l.claim
	key := lineKey(c, class)
	ln, ok := b.lines.get(key)
	if !ok || !b.currentLocked(ln) {
		ln = &line{class: class}
		if ln.endpoint, ok = b.endpoints.get(c.Key); !ok {
			ln.endpoint = newEndpoint(c, b.redisKey("g", c.Key))
			b.endpoints.add(c.Key, ln.endpoint, now)
		}
		// In use from here on: what is added next may drop what nobody uses.
		ln.endpoint.users++
		for i := range c.Limits {
			key := c.Limits[i].Key
			lim, ok := b.limits.get(key)
			if !ok {
				lim = newLimit(&c.Limits[i], b.redisKey("l", key), c.Limits[i].N/b.programs, b.cfg.cells(c.Limits[i].N))
				b.limits.add(key, lim, now)
			}
			lim.users++
			ln.limits = append(ln.limits, lim)
		}
		b.lines.add(key, ln, now)
		b.countLocked(ln, -1)
	}
	l.line = ln
	ln.users++
	b.countLocked(ln, 1)
}

// currentLocked reports whether what a line leads to is what its keys stand for.
// An idle line may outlast what it led to, which was forgotten and made anew.
func (b *Budget) currentLocked(ln *line) bool {
	if ln.users > 0 {
		return true // then all of it is in use, and never forgotten
	}
	if ep, ok := b.endpoints.get(ln.endpoint.key); !ok || ep != ln.endpoint {
		return false
	}
	for _, lim := range ln.limits {
		if l, ok := b.limits.get(lim.Key); !ok || l != lim {
			return false
		}
	}
	return true
}

func lineKey(c *transport.Claim, class int) string {
	key := strconv.Itoa(class) + c.Key
	for i := range c.Limits {
		key += "\x00" + c.Limits[i].Key
	}
	return key
}

// countLocked counts leases in and out of what a line leads to.
func (b *Budget) countLocked(ln *line, n int) {
	ln.endpoint.users += n
	for _, lim := range ln.limits {
		lim.users += n
	}
}

// leaveLocked takes a lease off its line for good.
func (b *Budget) leaveLocked(l *lease) {
	l.line.users--
	b.countLocked(l.line, -1)
}

// restoreLocked gives back, unspent, what a lease took.
func (b *Budget) restoreLocked(l *lease) {
	for _, lim := range l.line.limits {
		lim.cancel()
		b.owesLocked(lim)
	}
	l.line.notBefore = 0
}

// grantLocked sends l, the first of its line, on its way.
func (b *Budget) grantLocked(l *lease, now time.Duration) {
	l.node.Remove()
	b.passedLocked(l.line.class)
	for _, lim := range l.line.limits {
		lim.inFlight++
		b.owesLocked(lim)
	}
	l.line.endpoint.sent(now)
	l.sent = now
	l.grant(nil)
}

// expelLocked refuses l, which waits.
func (b *Budget) expelLocked(l *lease, err error) {
	l.node.Remove()
	b.leaveLocked(l)
	l.grant(err)
}

// owesLocked notes that Redis must hear of a limit.
func (b *Budget) owesLocked(l *limit) {
	if !l.owing {
		l.owing = true
		b.owing = append(b.owing, l)
	}
}
