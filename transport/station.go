package transport

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/adapt"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bucket"
	"github.com/clerkthrottle/clerkthrottle-go/internal/gate"
	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// never is the time of something that is not scheduled.
const never time.Duration = 0

// line is a station's queue of requests.
type line = queue.Line[*permit]

// reserve is how many tokens of a window each class must leave to higher ones.
type reserve [queue.Classes]int

func reserveFrom(c snapshot.Classes) *reserve {
	var r reserve
	r[Normal.class()], r[Batch.class()] = c.Normal, c.Batch
	return &r
}

func (r *reserve) classes() snapshot.Classes {
	if r == nil {
		return snapshot.Classes{}
	}
	return snapshot.Classes{Normal: r[Normal.class()], Batch: r[Batch.class()]}
}

// station is one thing a request must pass (a gate, a window or a learned rate) and
// the line of requests that wait for it. The scheduler's lock guards it.
type station struct {
	gate   *gate.Gate
	window *bucket.Window
	rate   *adapt.Rate

	limit   *Limit   // of a window or a rate
	reserve *reserve // nil: nothing is reserved
	share   *share   // nil: the window's tokens are this process's own

	line   *line         // nil: nobody waits
	timer  *time.Timer   // wakes the first of the line
	wakeAt time.Duration // when, or never
	users  int32         // permits whose route includes it: it must not be evicted while they hold it

	evicted bool // from its registry: remembered routes must not use it
}

func newWindow(l *Limit) *station {
	s := &struct { // one allocation for both: there may be very many
		station
		bucket.Window
	}{Window: bucket.New(l.N, l.Window)}
	s.station = station{window: &s.Window, limit: l}
	return &s.station
}

// ready reports whether one request may pass now.
func (st *station) ready(now time.Duration) bool {
	switch {
	case st.window != nil:
		return st.window.Ready(now) && (st.share == nil || st.share.valid(now))
	case st.gate != nil:
		return st.gate.Ready(now)
	}
	return st.rate.Ready(now)
}

// take lets a request of a class pass. ready(now) was true, except in a dry run.
func (st *station) take(now time.Duration, class int) {
	switch {
	case st.window != nil:
		st.window.Take(now)
		if st.share != nil {
			st.share.taken(st.window, now, class)
		}
	case st.gate != nil:
		st.gate.Take(now)
	default:
		st.rate.Take(now)
	}
}

// evict reports whether the station may be evicted, and if so marks it as evicted.
func (st *station) evict(now time.Duration) bool {
	st.evicted = st.idle(now)
	return st.evicted
}

// idle reports whether the station may be evicted.
func (st *station) idle(now time.Duration) bool {
	switch {
	case st.users > 0:
		return false
	case st.share != nil:
		return st.share.idle(st, now)
	case st.window != nil:
		return st.window.Idle(now)
	case st.gate != nil:
		return st.gate.Idle(now)
	}
	return st.rate.Idle(now)
}

// waiting returns how many requests are in line.
func (st *station) waiting() int {
	if st.line == nil {
		return 0
	}
	return st.line.Len()
}

// ahead returns how many of the requests in line go before a newcomer.
func (st *station) ahead(class int, flow string) int {
	if st.line == nil {
		return 0
	}
	return st.line.Ahead(class, flow)
}

// push puts p in the line, last of its class and flow.
func (st *station) push(p *permit, now time.Duration) {
	if st.line == nil {
		st.line = new(line)
	}
	if p.waiting == nil {
		p.waiting = &waiting{granted: make(chan struct{})}
		p.place.Who, p.turn.Value = p, p
	}
	p.queuedAt = now
	if st.share != nil {
		p.reports = st.share.fleet.reports
	}
	st.line.Push(&p.place, p.class(), p.terms.flow)
}

// pop takes the next request that can pass now out of the line; nil: none can.
func (st *station) pop(now time.Duration) *permit {
	if st.line == nil {
		return nil
	}
	place := st.line.Front(st.openClasses(now))
	if place == nil {
		return nil
	}
	st.line.Pass(place)
	st.tidy()
	return place.Who
}

// remove takes p out of the line.
func (st *station) remove(p *permit) {
	p.place.Leave()
	st.tidy()
}

func (st *station) tidy() {
	if st.line.Len() == 0 {
		st.line = nil
	}
}

// openClasses returns how many classes can pass now, counted from the highest. A
// class that was passed over for too long may use what is reserved for higher ones.
func (st *station) openClasses(now time.Duration) int {
	if !st.ready(now) {
		return 0
	}
	if st.reserve == nil || st.line != nil && st.line.Starved() {
		return queue.Classes
	}
	for class := queue.Classes - 1; class > 0; class-- {
		if st.window.Short(now, st.reserve[class]) <= 0 {
			return class + 1
		}
	}
	return 1
}

// when estimates when a request of a class will pass with ahead others before it, if
// answers take latency. An unknown latency is taken to be a little long: a request
// that must wait for whole windows, and may wait no longer, is better refused at once
// than after a useless wait.
func (st *station) when(now time.Duration, class, ahead int, latency time.Duration) time.Duration {
	switch {
	case st.gate != nil:
		return st.gate.When(now, ahead)
	case st.rate != nil:
		return st.rate.When(now, ahead)
	}
	if latency == unknown {
		_, period := st.window.Limit()
		latency = period / 64
	}
	spare := 0
	if st.share != nil {
		spare = st.share.obtainable(st, class)
	}
	at := st.window.When(now, ahead, spare, latency)
	if st.reserve != nil && st.reserve[class] > 0 && spare == 0 {
		at = max(at, st.window.Enough(now, st.reserve[class]))
	}
	return at
}

// next returns when the first in line can pass.
func (st *station) next(now time.Duration) time.Duration {
	return st.when(now, st.line.Front(queue.Classes).Class(), 0, 0)
}

// wakeTime returns when to check the line again if nothing happens before.
func (st *station) wakeTime(now time.Duration) time.Duration {
	switch {
	case st.gate != nil:
		return st.gate.When(now, 0)
	case st.rate != nil:
		return st.rate.When(now, 0)
	case st.share != nil && (!st.share.valid(now) || st.owned() == 0):
		return never // an exchange decides
	case st.reserve != nil && st.window.Ready(now): // the free tokens are reserved for higher classes
		return st.window.Look(now, st.reserve[st.line.Front(queue.Classes).Class()])
	}
	return st.window.When(now, 0, 0, 0)
}

// hold returns what a request waits for at this station.
func (st *station) hold() Hold {
	switch {
	case st.window != nil:
		return HoldLimit
	case st.rate != nil:
		return HoldRate
	default:
		return HoldBlock
	}
}
