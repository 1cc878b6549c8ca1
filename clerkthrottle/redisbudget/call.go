package redisbudget

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed script.lua
var scriptSource string

var script = redis.NewScript(scriptSource)

// errTimeout is the error of a call that was given up.
var errTimeout = errors.New("redisbudget: Redis did not answer in time")

// errStale is the error of a call whose number Redis had seen: somebody else
// uses this program's id, a copy of the machine it runs on.
var errStale = errors.New("redisbudget: another program uses this one's id")

// call is one call of the script.
type call struct {
	budget  *Budget
	seq     int64
	sent    time.Duration
	timer   *time.Timer
	givenUp bool
	grace   bool // the timer came late, and was set once more

	limits   []*limit
	inFlight []int // by limit: this program's tokens under way, when it was composed
	gates    []*endpoint
	known    []time.Duration // by gate: what is left of its block, if Redis must hear of it
	lines    []*line
	asked    []int // by line
	runs     []run
	asks     int
}

// run is requests of one line, one after the other in the order of arrival.
type run struct{ line, n int }

func newCall(b *Budget, now time.Duration) *call { return &call{budget: b, sent: now} }

// limit takes a limit into the call and returns its place.
func (c *call) limit(l *limit) int {
	if l.call != c {
		l.call, l.slot, l.asking, l.urgent = c, len(c.limits), 0, false
		l.sweep(c.sent)
		c.limits = append(c.limits, l)
		c.inFlight = append(c.inFlight, l.inFlight)
	}
	return l.slot
}

// gate takes an endpoint's gate into the call and returns its place.
func (c *call) gate(ep *endpoint) int {
	for i, g := range c.gates {
		if g == ep {
			return i
		}
	}
	known := time.Duration(0)
	if !ep.shared {
		known = max(0, ep.gate.Until()-c.sent)
		ep.shared = true
	}
	c.gates = append(c.gates, ep)
	c.known = append(c.known, known)
	return len(c.gates) - 1
}

// ask asks for the tokens of one request. Where it may not ask, it returns when
// it may.
func (c *call) ask(l *lease, now time.Duration) time.Duration {
	ln := l.line
	fresh := 0
	for _, lim := range ln.limits {
		if lim.call != c {
			fresh++
		} else if lim.asking >= lim.N {
			return now
		}
		if lim.recovers > now { // its own share binds as well
			asking := 0
			if lim.call == c {
				asking = lim.asking
			}
			if at := lim.earliest(now, asking, true); at > now {
				return min(at, lim.recovers)
			}
		}
	}
	i := c.line(ln)
	again := len(c.runs) > 0 && c.runs[len(c.runs)-1].line == i
	if len(c.limits)+fresh > maxLimits || !again && len(c.runs) >= maxRuns {
		return now // with the next call
	}
	if i == len(c.lines) {
		c.lines, c.asked = append(c.lines, ln), append(c.asked, 0)
		c.gate(ln.endpoint)
		for _, lim := range ln.limits {
			c.limit(lim)
		}
	}
	for _, lim := range ln.limits {
		lim.asking++
	}
	if again {
		c.runs[len(c.runs)-1].n++
	} else {
		c.runs = append(c.runs, run{i, 1})
	}
	c.asked[i]++
	c.asks++
	return now
}

// line returns the place of a line in the call, which is the next free one where
// it is not in it.
func (c *call) line(ln *line) int {
	for i := len(c.lines) - 1; i >= 0; i-- {
		if c.lines[i] == ln {
			return i
		}
	}
	return len(c.lines)
}

// startLocked sends a call. A timer of its own bounds it: the client's timeouts
// may be long, and its contexts do not end what is being read.
func (b *Budget) startLocked(c *call, now time.Duration) {
	b.seq++
	c.seq = b.seq
	keys, args := c.encode(now)
	b.call = c
	c.timer = time.AfterFunc(b.cfg.timeout, c.giveUp)
	go c.do(keys, args)
}

func (c *call) do(keys []string, args []any) {
	b := c.budget
	ctx, cancel := context.WithTimeout(context.Background(), b.cfg.timeout)
	answer, err := script.Run(ctx, b.rdb, keys, args...).Slice()
	cancel()
	b.mu.Lock()
	c.timer.Stop()
	now := b.now()
	if c.givenUp {
		b.given--
		if err == nil && b.away { // what hung hangs no more
			b.probeAt = now
		}
		b.turnLocked(now)
		b.unlock()
		return
	}
	b.call = nil
	var report func()
	if err == nil {
		report, err = b.answeredLocked(c, answer, now)
	}
	if err != nil {
		report = b.failedLocked(c, err, now)
	}
	b.turnLocked(now)
	b.unlock()
	if report != nil {
		report()
	}
}

// giveUp is what a call's timer does. Should the call be carried out after all,
// its number tells Redis that it is out of date.
func (c *call) giveUp() {
	b := c.budget
	b.mu.Lock()
	if b.call != c {
		b.unlock()
		return
	}
	now := b.now()
	if late := now - c.sent - b.cfg.timeout; late > b.cfg.timeout/10 && !c.grace {
		// This program itself was held up: the answer may be in, unread.
		c.grace = true
		c.timer.Reset(b.cfg.timeout / 5)
		b.unlock()
		return
	}
	c.givenUp = true
	b.given++
	b.call = nil
	report := b.failedLocked(c, errTimeout, now)
	b.turnLocked(now)
	b.unlock()
	if report != nil {
		report()
	}
}

// encode writes the call's keys and arguments, in the order in which the script
// reads them.
func (c *call) encode(now time.Duration) (keys []string, args []any) {
	b := c.budget
	args = []any{b.id, c.seq, b.cfg.bound.Microseconds(), len(c.limits), len(c.gates), len(c.lines), len(c.runs)}
	for i, l := range c.limits {
		keys = append(keys, l.redisKey)
		known := l.known
		if now-l.touched >= l.Window+b.cfg.bound {
			known = 0 // so silent for so long that Redis was right to forget
		}
		args = append(args, l.N, inMicros(l.Window), l.cells, known, flag(l.whole),
			c.inFlight[i], l.held(), inMicros(5*l.patience()/2))
		told := l.telling(now)
		args = append(args, len(told))
		for _, s := range told {
			args = append(args, (now - s.at).Microseconds(), s.n)
		}
	}
	for i, ep := range c.gates {
		keys = append(keys, ep.redisKey)
		args = append(args, inMicros(min(c.known[i], maxBlock)))
	}
	for _, ln := range c.lines {
		args = append(args, c.gate(ln.endpoint)+1, len(ln.limits))
		for _, l := range ln.limits {
			args = append(args, l.slot+1)
		}
	}
	for _, r := range c.runs {
		args = append(args, r.line+1, r.n)
	}
	return keys, args
}

// maxBlock bounds a block as Redis holds it.
const maxBlock = 1000 * time.Hour

// inMicros rounds up: a limit or block never becomes shorter by rounding.
func inMicros(d time.Duration) int64 {
	return int64((d + time.Microsecond - 1) / time.Microsecond)
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// telling returns what Redis is told about tokens that were spent: what is new,
// or everything, where Redis lost it.
func (l *limit) telling(now time.Duration) []settled {
	l.sending, l.settled = append(l.sending, l.settled...), nil
	if !l.whole {
		return l.sending
	}
	var all []settled
	for g := l.own.swept + 1; g < l.own.swept+int64(len(l.own.cells)); g++ {
		if n := *l.own.cell(g); n > 0 {
			all = append(all, settled{min(l.ownTime(g)-l.Window, now), int(n), g})
		}
	}
	return all
}
