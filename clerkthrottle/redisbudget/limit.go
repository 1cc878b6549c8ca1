package redisbudget

import (
	"math"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

const (
	// recovery is how long after Redis came back, or lost its memory, a program
	// keeps to its own share as well: by then every program has told what it
	// sent meanwhile.
	recovery = 2 * time.Second
	// shareKept is the part of its last known share that a program allows itself
	// while Redis is away: the shares were told at slightly different moments.
	shareKept = 0.9
	// shortPatience and longPatience bound how long a program waits before it
	// asks again, in case others need less than they did.
	shortPatience = 250 * time.Millisecond
	longPatience  = 5 * time.Second
)

// settled is tokens whose requests are over, of which Redis has not heard yet.
type settled struct {
	at      time.Duration
	n       int
	granule int64 // of the ring, in which they come back
}

// limit is what this program knows of one limit: exactly, what it holds itself;
// and what Redis last said about the whole fleet. Guarded by the budget's lock.
type limit struct {
	transport.Limit
	redisKey string
	users    int // leases that draw on it
	owing    bool

	// This program's part.
	inFlight int  // tokens of requests under way
	own      ring // spent tokens on their way back, in granules of local time
	cells    int  // granules in a window
	granule  time.Duration
	phase    time.Duration // local time at which granule 0 of own begins; see align
	settled  []settled     // not in any call yet
	sending  []settled     // in the call that is under way
	urgent   bool          // tokens were given back unspent
	whole    bool          // Redis forgot this program's part and must be told all of it

	// What Redis said.
	known    int64         // number of the last call that it answered
	touched  time.Duration // when that call was sent
	heard    time.Duration // when its answer came
	base     time.Duration // local time at which granule 0 of fleet begins
	fleet    ring          // spent tokens of all programs on their way back
	fleetLen time.Duration // length of its granules
	out      int           // tokens of requests under way, of all programs
	told     int           // of these, this program's
	most     int           // tokens that this program may hold while others are hungry
	programs int
	share    int           // what this program may hold while Redis is away
	recovers time.Duration // until then, it may hold no more than that anyway

	// While a call is put together.
	call   *call
	slot   int // its place in the call
	asking int // tokens asked for
}

func newLimit(l *transport.Limit, redisKey string, share, cells int) *limit {
	n := &limit{Limit: *l, redisKey: redisKey, cells: cells, own: newRing(cells), granule: granuleOf(l.Window, cells)}
	n.N = max(n.N, 1)
	n.most, n.share = n.N, min(max(share, 1), n.N)
	return n
}

// sweep brings both rings up to now.
func (l *limit) sweep(now time.Duration) {
	l.own.sweep(int64((now - l.phase) / l.granule))
	if l.fleetLen > 0 {
		l.fleet.sweep(int64((now - l.base) / l.fleetLen))
	}
}

// held returns how many tokens this program has out. It has been swept.
func (l *limit) held() int { return l.inFlight + l.own.total }

// settle counts the token of a request whose answer, or failure, came now.
func (l *limit) settle(now time.Duration) {
	l.sweep(now)
	l.inFlight--
	g := int64((now - l.phase + l.Window + l.granule - 1) / l.granule)
	l.own.add(g, 1)
	if n := len(l.settled); n > 0 && l.settled[n-1].granule == g {
		l.settled[n-1].at = now // later than it was: safe
		l.settled[n-1].n++
		return
	}
	l.settled = append(l.settled, settled{now, 1, g})
}

// cancel takes back the token of a request that was never sent.
func (l *limit) cancel() {
	l.inFlight--
	l.urgent = true
}

// due returns when Redis must hear of the limit at the latest: soon after tokens
// came back unspent, well before settled ones are due back, and often enough to
// see that this program lives.
func (l *limit) due(now, bound time.Duration) time.Duration {
	switch {
	case l.urgent || l.whole:
		return now
	case len(l.settled) > 0:
		return l.settled[0].at + min(l.Window/4, bound/3)
	case l.inFlight > 0:
		return l.touched + bound/3
	}
	return math.MaxInt64
}

// patience is how long to wait at most before asking again. Where a program's
// tokens are few and far between, there is no hurry; but it is over before a
// token that is settled from now on could be back.
func (l *limit) patience() time.Duration {
	return min(max(shortPatience, l.Window/40, 2*l.Window/time.Duration(l.most)), longPatience, l.Window/2)
}

// free returns how many tokens the fleet has left, as far as this program knows.
func (l *limit) free() int {
	pending := 0
	for _, s := range [][]settled{l.sending, l.settled} {
		for _, s := range s {
			pending += s.n
		}
	}
	return l.N - (l.out - l.told + l.inFlight) - l.fleet.total - pending
}

func (l *limit) ownTime(g int64) time.Duration   { return l.phase + time.Duration(g)*l.granule }
func (l *limit) fleetTime(g int64) time.Duration { return l.base + time.Duration(g)*l.fleetLen }

// earliest returns a lower bound of the moment at which a request of this program
// can have a token that has ahead others before it: by what Redis said, or, where
// alone says so, by this program's own share.
func (l *limit) earliest(now time.Duration, ahead int, alone bool) time.Duration {
	l.sweep(now)
	if alone {
		return comeback(now, l.Window, l.share, l.share-l.held(), &l.own, l.ownTime, ahead)
	}
	at := now
	if l.known > 0 {
		at = comeback(now, l.Window, l.N, l.free(), &l.fleet, l.fleetTime, ahead)
	}
	if l.recovers > now {
		at = max(at, comeback(now, l.Window, l.share, l.share-l.held(), &l.own, l.ownTime, ahead))
	}
	return at
}

// comeback returns the moment at which a token is there for a request with ahead
// others before it, of n tokens of which so many are free and the ring's come
// back. Answers that are not in come no sooner than now.
func comeback(now, window time.Duration, n, free int, r *ring, at func(int64) time.Duration, ahead int) time.Duration {
	rounds, need := ahead/n, ahead%n+1-free
	t := now
	switch {
	case need <= 0:
	case need <= r.total:
		t = max(now, at(r.nth(need)))
	default:
		rounds++
	}
	if rounds > 0 && window > (math.MaxInt64-t)/time.Duration(rounds) {
		return math.MaxInt64
	}
	return t + time.Duration(rounds)*window
}

// retry returns when to ask again after a request for a token was turned down.
// That is when one is free, and this program holds less than its part, whichever
// comes last; it is found on the fleet's ring, so that not everybody asks for
// what belongs to one.
func (l *limit) retry(now time.Duration) time.Duration {
	at := l.earliest(now, 0, false)
	if l.held() >= l.most {
		mine := now + l.patience()
		if need := l.held() - l.most + 1; need <= l.own.total {
			mine = l.ownTime(l.own.nth(need))
		}
		if mine > at && l.fleetLen > 0 {
			at = mine
			g := int64((mine - l.base + l.fleetLen - 1) / l.fleetLen)
			if next := l.fleet.next(g); next-g <= 1 {
				at = l.fleetTime(next)
			}
		}
	}
	return min(at, now+l.patience())
}

// hear takes in what Redis said about the limit.
func (l *limit) hear(r *limitReply, c *call, now time.Duration, got int) {
	l.known, l.touched, l.heard = c.seq, c.sent, now
	l.sending, l.whole = nil, r.lost
	if len(l.fleet.cells) != r.cells+2 {
		l.fleet = newRing(r.cells)
	}
	l.fleetLen = granuleOf(r.window, r.cells)
	l.base = now - r.phase
	l.fleet.load(r.ring, r.index)
	if now-c.sent < l.granule/4 && l.fleetLen == l.granule {
		l.align()
	}
	l.out, l.told = r.out, c.inFlight[l.slot]+got
	l.most, l.programs = r.most, r.programs
	if r.lostAge >= 0 && r.lostAge < recovery {
		l.recover(now + recovery - r.lostAge)
	}
	l.sweep(now)
	if l.recovers > now {
		return // what there is to share is not known yet
	}
	share := max(l.held()+got, l.N/max(l.programs, 1))
	if r.short {
		share = l.most
	}
	l.share = min(max(int(float64(share)*shareKept), 1), l.N)
}

// align lets this program's granules begin when Redis's do. Otherwise its tokens
// come back here before they come back there, and it asks in vain.
func (l *limit) align() {
	shift := (l.base - l.phase) % l.granule
	switch {
	case shift > l.granule/2:
		shift -= l.granule
	case shift < -l.granule/2:
		shift += l.granule
	}
	l.phase += shift
}

// recover keeps the program to its own share for a while.
func (l *limit) recover(until time.Duration) { l.recovers = max(l.recovers, until) }

// idle reports whether the limit may be forgotten.
func (l *limit) idle(now time.Duration) bool {
	l.sweep(now)
	return l.users == 0 && l.held() == 0 && len(l.settled) == 0 && len(l.sending) == 0 && !l.urgent && !l.owing
}
