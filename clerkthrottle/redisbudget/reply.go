package redisbudget

import (
	"errors"
	"fmt"
	"time"
)

// limitReply is what the script says about one limit.
type limitReply struct {
	lost     bool          // it does not know what this program told before
	lostAge  time.Duration // how long ago that was found, by any program; negative: never
	window   time.Duration
	cells    int
	out      int
	most     int
	short    bool // it was what turned requests down
	programs int
	index    int           // the ring's cell that is over
	phase    time.Duration // how long the granule after it has lasted
	ring     string
}

var errReply = errors.New("redisbudget: Redis gave an answer that is not the script's")

// decode reads the script's answer: what was granted by line, what is left of
// each gate's block, and the limits.
func (c *call) decode(answer []any) (granted []int, blocked []time.Duration, limits []limitReply, err error) {
	if len(answer) == 1 {
		return nil, nil, nil, errStale
	}
	if len(answer) != 3 {
		return nil, nil, nil, fmt.Errorf("%w: %d parts", errReply, len(answer))
	}
	g, ok1 := numbers(answer[0], len(c.lines))
	k, ok2 := numbers(answer[1], len(c.gates))
	ls, ok3 := answer[2].([]any)
	if !ok1 || !ok2 || !ok3 || len(ls) != len(c.limits) {
		return nil, nil, nil, errReply
	}
	for _, n := range g {
		granted = append(granted, int(n))
	}
	for _, n := range k {
		blocked = append(blocked, micros(n))
	}
	for _, l := range ls {
		parts, ok := l.([]any)
		if !ok || len(parts) != 11 {
			return nil, nil, nil, errReply
		}
		ring, ok := parts[10].(string)
		n, ok2 := numbers(any(parts[:10]), 10)
		if !ok || !ok2 || n[3] < 1 || n[3] > 1<<16 || n[8] < 0 || n[8] > n[3]+1 || n[5] < 1 {
			return nil, nil, nil, errReply
		}
		limits = append(limits, limitReply{
			lost: n[0] == 1, lostAge: micros(n[1]), window: micros(n[2]), cells: int(n[3]), out: int(n[4]), most: int(n[5]),
			short: n[6] == 1, programs: int(n[7]), index: int(n[8]), phase: micros(n[9]), ring: ring,
		})
	}
	return granted, blocked, limits, nil
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

func numbers(v any, want int) ([]int64, bool) {
	list, ok := v.([]any)
	if !ok || len(list) != want {
		return nil, false
	}
	n := make([]int64, len(list))
	for i, v := range list {
		if n[i], ok = v.(int64); !ok {
			return nil, false
		}
	}
	return n, true
}

// answeredLocked acts on the answer to a call: requests go, and lines learn when
// to ask again.
func (b *Budget) answeredLocked(c *call, answer []any, now time.Duration) (report func(), err error) {
	granted, blocked, limits, err := c.decode(answer)
	if err != nil {
		return nil, err
	}
	if b.away {
		report = b.returnLocked(now)
	}
	got := make([]int, len(c.limits))
	for i, ln := range c.lines {
		for _, lim := range ln.limits {
			got[lim.slot] += granted[i]
		}
	}
	lost, programs := false, 0
	for i, l := range c.limits {
		l.hear(&limits[i], c, now, got[i])
		if l.whole {
			b.owesLocked(l)
			lost = true
		}
		programs = max(programs, l.programs)
	}
	if programs > 0 {
		b.programs = programs
	}
	if lost {
		b.publishLocked(now)
	}
	for i, ep := range c.gates {
		if until := now + blocked[i]; blocked[i] > 0 && until > ep.gate.Until() {
			ep.gate.Block(now, blocked[i])
			b.gateClosedLocked(ep, now)
		}
	}
	for i, ln := range c.lines {
		b.handOutLocked(ln, granted[i], c.asked[i], now)
	}
	return report, nil
}

// handOutLocked lets the first of a line go that got their tokens.
func (b *Budget) handOutLocked(ln *line, granted, asked int, now time.Duration) {
	left := granted
	for ; left > 0 && ln.queue.Len() > 0 && ln.endpoint.gate.Ready(now); left-- {
		b.grantLocked(ln.queue.Front().Value, now)
	}
	if left > 0 { // they left meanwhile, or a 429 came: give it back
		for _, lim := range ln.limits {
			lim.urgent = true
			b.owesLocked(lim)
		}
	}
	ln.notBefore = 0
	if granted < asked {
		ln.notBefore = now + time.Millisecond // never at once again
		for _, lim := range ln.limits {
			ln.notBefore = max(ln.notBefore, lim.retry(now))
		}
		b.lookLocked(ln, now)
	}
}
