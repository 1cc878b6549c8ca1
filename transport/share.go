package transport

import (
	"container/heap"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/bucket"
	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
)

// share is what a window has besides where its tokens are a [Budget]'s. Its size is
// how many of them the program owns.
type share struct {
	fleet         *fleet
	confirmed     bool                // an answer said so, since the lease began
	until         time.Duration       // what is owned may be spent until then, whatever the lease; 0: no such bound
	due           bool                // the next exchange must name it
	exchanging    bool                // the one under way does
	reportedOwned int                 // how many are, as far as the Budget was told
	keep          int                 // beyond so many, those that come back are given back
	spare         int                 // so many more can be had, as things stand
	reported      [queue.Classes]bool // who waits, as far as the Budget was told
	denied        [queue.Classes]bool // who got nothing by it
	checkAt       time.Duration       // when it is looked at for tokens to give back, or never
	recheck       bool                // who waits may have to be told that he waits too long

	peaks rolling[int]                // how many were spent at most, in stretches of memory
	sent  rolling[[queue.Classes]int] // how many requests of each class went, in stretches of the window
}

// stretches are what was noted in this stretch of time, and in the one before.
type rolling[T any] struct {
	since      time.Duration
	this, last T
}

// turn begins another stretch, of the given length, if it is time.
func (s *rolling[T]) roll(now, length time.Duration) {
	switch since := now - s.since; {
	case since >= 2*length:
		*s = rolling[T]{since: now}
	case since >= length:
		*s = rolling[T]{since: s.since + length, last: s.this}
	}
}

// owned returns how many tokens there are.
func (st *station) owned() int {
	n, _ := st.window.Limit()
	return n
}

// period returns the length of the window.
func (st *station) period() time.Duration {
	_, w := st.window.Limit()
	return w
}

// valid reports whether what is owned may be spent.
func (sh *share) valid(now time.Duration) bool {
	return sh.confirmed && now < sh.fleet.leaseEnd && (sh.until == 0 || now < sh.until)
}

// waiting returns which classes wait. In a dry run nobody does, and any would.
func (sh *share) waitingClasses(st *station) (who [queue.Classes]bool) {
	for class := range who {
		who[class] = sh.fleet.s.cfg.DryRun || st.line != nil && st.line.LenOf(class) > 0
	}
	return who
}

// news reports whether somebody waits of whom the Budget has not been told.
func (sh *share) undenied(st *station) bool {
	for class, waits := range sh.waitingClasses(st) {
		if waits && !sh.denied[class] {
			return true
		}
	}
	return false
}

// hope returns how many more tokens somebody of a class can hope for. As long as
// the Budget has not denied him one, he can hope for all.
func (sh *share) obtainable(st *station, class int) int {
	if sh.denied[class] {
		return sh.spare
	}
	return max(sh.spare, st.limit.N-st.owned())
}

// idle reports whether the window may be forgotten. A limit that is not private is
// one of few, and kept.
func (sh *share) idle(st *station, now time.Duration) bool {
	return st.limit.Private && !sh.due && !sh.exchanging && st.owned() == 0 && st.window.Idle(now)
}

// memory is the part of the window for which a program goes on needing what it has
// used: a spent token counts for a window anyway, and what it holds beyond that
// others may lack.
const memory = 8

// taken notes that a request of a class has spent a token.
func (sh *share) taken(w *bucket.Window, now time.Duration, class int) {
	owned, period := w.Limit()
	sh.peaks.roll(now, period/memory)
	sh.peaks.this = max(sh.peaks.this, owned-w.Free(now))
	sh.sent.roll(now, period)
	sh.sent.this[class]++
}

// growth is the part of what a program uses that it asks for on top when it needs
// more: whoever is on the way up does not ask for every single token.
const growth = 8

// need returns how many tokens the program could use: those that it used at most
// lately, and one for each request that waits. Of a private limit nothing is kept
// for later.
func (sh *share) need(st *station, now time.Duration) Classes {
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
	by[Normal.class()] += left // what rounding left
	if st.line != nil {
		for class := range by {
			by[class] += st.line.LenOf(class)
		}
	}
	return Classes{Interactive: by[Interactive.class()], Normal: by[Normal.class()], Batch: by[Batch.class()]}
}

// lookouts are private windows in the order in which they are to be looked at.
type checkQueue struct{ heap []*station }

func (l *checkQueue) push(st *station, at time.Duration) {
	st.share.checkAt = at
	heap.Push((*byCheckAt)(&l.heap), st)
}

// pop takes out the next that is to be looked at now; nil: there is none.
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
