package redisbudget

import (
	"slices"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

const (
	classes = int(transport.Interactive-transport.Batch) + 1
	// maxPassed is how often in a row a class can be passed over by better ones:
	// of those that go while it waits, one in eleven at least is of it.
	maxPassed = 9
)

// classOf returns the class of a priority, the best being 0.
func classOf(p transport.Priority) int {
	return int(transport.Interactive - min(max(p, transport.Batch), transport.Interactive))
}

// inOrderLocked puts those who wait in the order in which they go: the better
// classes first, but none starves; within a class, as they came. It orders the
// requests of this program. Between programs there are no classes.
func (b *Budget) inOrderLocked(waiting []*lease) []*lease {
	slices.SortFunc(waiting, func(a, b *lease) int {
		if a.number < b.number {
			return -1
		}
		return 1
	})
	var byClass [classes][]*lease
	for _, l := range waiting {
		byClass[l.line.class] = append(byClass[l.line.class], l)
	}
	ordered, passed := waiting[:0:0], b.passed
	for len(ordered) < len(waiting) {
		best := -1
		for i := range byClass {
			if len(byClass[i]) > 0 && (best < 0 || passed[i] >= maxPassed && passed[i] > passed[best]) {
				best = i
			}
		}
		ordered = append(ordered, byClass[best][0])
		byClass[best] = byClass[best][1:]
		passed[best] = 0
		for i := best + 1; i < classes; i++ {
			if len(byClass[i]) > 0 {
				passed[i]++
			}
		}
	}
	return ordered
}

// passedLocked notes that one of a class goes, and which classes wait meanwhile.
func (b *Budget) passedLocked(class int) {
	b.passed[class] = 0
	var waits [classes]bool
	for _, ln := range b.active {
		waits[ln.class] = waits[ln.class] || ln.queue.Len() > 0
	}
	for i := class + 1; i < classes; i++ {
		if waits[i] {
			b.passed[i]++
		} else {
			b.passed[i] = 0
		}
	}
}
