package transport

import (
	"container/heap"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/bucket"
	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// share is the state of a window whose tokens are a [Budget]'s. The window's size is
// how many of them the program owns.
type share struct {
	fleet         *fleet
	confirmed     bool                // by an answer of the current lease
	until         time.Duration       // limits the lease for tokens that the Budget lost track of; 0: no limit
	due           bool                // the next exchange must name it
	exchanging    bool                // the exchange in flight names it
	reportedOwned int                 // owned, by the last report or answer
	keep          int                 // spent tokens beyond this are given back when they come back
	spare         int                 // how many more the program can get, by the last answer
	reported      [queue.Classes]bool // classes that waited at the last report
	denied        [queue.Classes]bool // of those, the ones that still wait
	checkAt       time.Duration       // when to look for tokens to give back, or never
	recheck       bool                // waiters may have to be refused after the exchange

	peaks rolling[int]                // most tokens spent at once, by 1/memory of the window
	sent  rolling[[queue.Classes]int] // requests by class, by window
}

// rolling holds what was recorded in the current interval and in the one before.
type rolling[T any] struct {
	since      time.Duration
	this, last T
}

// roll starts a new interval of the given length if the current one is over.
func (s *rolling[T]) roll(now, length time.Duration) {
	switch since := now - s.since; {
	case since >= 2*length:
		*s = rolling[T]{since: now}
	case since >= length:
		*s = rolling[T]{since: s.since + length, last: s.this}
	}
}

// owned returns how many tokens the window has.
func (st *station) owned() int {
	n, _ := st.window.Limit()
	return n
}

// period returns the length of the window.
func (st *station) period() time.Duration {
	_, w := st.window.Limit()
	return w
}

// valid reports whether owned tokens may be spent.
func (sh *share) valid(now time.Duration) bool {
	return sh.confirmed && now < sh.fleet.leaseEnd && (sh.until == 0 || now < sh.until)
}

// waitingClasses returns which classes have waiters. In a dry run any may need a
// token, so it returns all.
func (sh *share) waitingClasses(st *station) (who [queue.Classes]bool) {
	for class := range who {
		who[class] = sh.fleet.s.cfg.DryRun || st.line != nil && st.line.LenOf(class) > 0
	}
	return who
}

// undenied reports whether a class waits that the Budget has not denied.
func (sh *share) undenied(st *station) bool {
	for class, waits := range sh.waitingClasses(st) {
		if waits && !sh.denied[class] {
			return true
		}
	}
	return false
}

// obtainable returns how many more tokens a class may get: all, until the Budget has
// denied it one.
func (sh *share) obtainable(st *station, class int) int {
	if sh.denied[class] {
		return sh.spare
	}
	return max(sh.spare, st.limit.N-st.owned())
}

// idle reports whether the window may be evicted. Only private ones are: there are few
// others.
func (sh *share) idle(st *station, now time.Duration) bool {
	return st.limit.Private && !sh.due && !sh.exchanging && sh.checkAt == never && st.owned() == 0 && st.window.Idle(now)
}

// memory divides the window into the intervals for which a program remembers its peak
// use. They are short: a spent token is owned for a whole window anyway, and other
// programs may lack what this one holds for longer.
const memory = 8

// taken records that a request of a class spent a token.
func (sh *share) taken(w *bucket.Window, now time.Duration, class int) {
	owned, period := w.Limit()
	sh.peaks.roll(now, period/memory)
	sh.peaks.this = max(sh.peaks.this, owned-w.Free(now))
	sh.sent.roll(now, period)
	sh.sent.this[class]++
}

// growth is the divisor of the extra that a program asks for when requests wait: 1/8
// of its use, so that rising demand does not ask for each token singly.
const growth = 8

// need returns how many tokens the program could use: its recent peak, or for a private
// limit its current use, and one for each waiting request.
func (sh *share) need(st *station, now time.Duration) snapshot.Classes {
	var by [queue.Classes]int
	used := st.owned() - st.window.Free(now)
	waiting := st.waiting()
	if !st.limit.Private {
		sh.peaks.roll(now, st.period()/memory)
		used = max(used, sh.peaks.this, sh.peaks.last)
		if waiting > 0 {
			used += used / growth
		}
	}
	all := 0
	for class := range by {
		by[class] = sh.sent.this[class] + sh.sent.last[class]
		all += by[class]
	}
	left := used
	for class := range by {
		if all > 0 {
			by[class] = used * by[class] / all
		}
		left -= by[class]
	}
	by[Normal.class()] += left // of rounding
	if st.line != nil {
		for class := range by {
			by[class] += st.line.LenOf(class)
		}
	}
	return snapshot.Classes{Interactive: by[Interactive.class()], Normal: by[Normal.class()], Batch: by[Batch.class()]}
}

// checkQueue is a heap of private windows, by checkAt.
type checkQueue struct{ heap []*station }

func (l *checkQueue) push(st *station, at time.Duration) {
	st.share.checkAt = at
	heap.Push((*byCheckAt)(&l.heap), st)
}

// pop removes and returns a window that is due for its check; nil: none is.
func (l *checkQueue) pop(now time.Duration) *station {
	if len(l.heap) == 0 || l.first() > now {
		return nil
	}
	st := heap.Pop((*byCheckAt)(&l.heap)).(*station)
	st.share.checkAt = never
	return st
}

func (l *checkQueue) first() time.Duration { return l.heap[0].share.checkAt }

type byCheckAt []*station

func (h byCheckAt) Len() int           { return len(h) }
func (h byCheckAt) Less(i, j int) bool { return h[i].share.checkAt < h[j].share.checkAt }
func (h byCheckAt) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byCheckAt) Push(st any)       { *h = append(*h, st.(*station)) }
func (h *byCheckAt) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = nil
	*h = (*h)[:len(*h)-1]
	return last
}
