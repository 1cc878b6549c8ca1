package queue

// Classes is how many classes a [Line] tells apart. Class 0 goes first.
const Classes = 3

// Patience bounds how long a class can be passed over: after this many waiters
// of better classes in a row have gone while one of its own stood in line, one
// of its own goes next, or one of the other class that has been passed over for
// longer. So as long as a class waits it gets at least one turn in Patience+2: the
// best class Patience, each of the other two one. With two classes in line it is
// one in Patience+1.
const Patience = 9

// Line is a line with classes. Better classes go first, but none starves (see
// [Patience]). Within a class, flows take turns, so that one with a thousand
// waiters does not shut out one with a single one; within a flow, and where all
// are of the same, it is first come, first served.
//
// Every step takes constant time, whatever the number of waiters, classes and
// flows. The zero value is empty and ready to use.
type Line[T any] struct {
	classes [Classes]class[T]
	n       int
}

// class is the waiters of one class.
type class[T any] struct {
	turns  Queue[*flow[T]] // the first one's turn it is
	byName map[string]*flow[T]
	n      int
	passed int // how many of better classes went since one of this class could have
}

// Place is a place in at most one line. Who is the waiter that it stands for.
type Place[T any] struct {
	Who   T
	node  Node[*Place[T]]
	line  *Line[T]
	flow  *flow[T]
	class int
}

// Len returns the number of waiters.
func (l *Line[T]) Len() int { return l.n }

// Class returns the class that p was pushed with.
func (p *Place[T]) Class() int { return p.class }

// LenOf returns the number of waiters of one class.
func (l *Line[T]) LenOf(class int) int { return l.classes[class].n }

// Push puts p, which stands in no line, at the end of its flow.
func (l *Line[T]) Push(p *Place[T], class int, name string) {
	c := &l.classes[class]
	f := c.flowOf(name)
	p.node.Value = p
	f.Push(&p.node)
	p.line, p.flow, p.class = l, f, class
	c.n++
	l.n++
}

// Front returns who goes next if the first open classes may: nil if none of
// them waits. The answer stays the same until somebody comes, goes or leaves.
func (l *Line[T]) Front(open int) *Place[T] {
	best := -1
	for i := range l.classes[:open] {
		c := &l.classes[i]
		if c.n == 0 {
			continue
		}
		if best < 0 || c.passed >= Patience && c.passed > l.classes[best].passed {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return l.classes[best].turns.Front().Value.Front().Value
}

// Places returns all who wait, the better classes first.
func (l *Line[T]) Places() []*Place[T] {
	all := make([]*Place[T], 0, l.n)
	for i := range l.classes {
		for turn := l.classes[i].turns.Front(); turn != nil; turn = turn.Next() {
			for n := turn.Value.Front(); n != nil; n = n.Next() {
				all = append(all, n.Value)
			}
		}
	}
	return all
}

// Starved reports whether a class has been passed over for so long that its turn
// has come, whatever is held back from it.
func (l *Line[T]) Starved() bool {
	for i := range l.classes {
		if l.classes[i].passed >= Patience {
			return true
		}
	}
	return false
}

// Pass takes p out of its line because it goes, and notes who was passed over.
func (l *Line[T]) Pass(p *Place[T]) {
	class, turn := p.class, &p.flow.turn
	if p.Leave(); turn.queue != nil { // it had its turn
		turn.Remove()
		l.classes[class].turns.Push(turn)
	}
	l.Passed(class)
}

// Passed notes that somebody of a class went, from the line or past it.
func (l *Line[T]) Passed(class int) {
	if l.n == 0 {
		return
	}
	l.classes[class].passed = 0
	for i := class + 1; i < Classes; i++ {
		if l.classes[i].n > 0 {
			l.classes[i].passed++
		}
	}
}

// Leave takes p out of the line that it stands in; it does nothing to a place
// that stands in none.
func (p *Place[T]) Leave() {
	if p.line == nil {
		return
	}
	c := &p.line.classes[p.class]
	p.node.Remove()
	c.n--
	p.line.n--
	if p.flow.Len() == 0 {
		c.drop(p.flow)
	}
	if c.n == 0 {
		c.passed = 0
	}
	p.line, p.flow = nil, nil
}

// Ahead estimates how many go before a newcomer of the class and flow: of its
// class, those of its own flow and as many of every other flow as of its own; of
// better classes, all, but no more than [Patience] for each of these; and of worse
// ones, the turns that they get meanwhile.
func (l *Line[T]) Ahead(class int, name string) int {
	c := &l.classes[class]
	n := c.ahead(name)
	better := 0
	for i := range class {
		better += l.classes[i].n
	}
	n += min(better, max(0, Patience*(n+1)-c.passed))
	for i := class + 1; i < Classes; i++ {
		w := &l.classes[i]
		n += min(w.n, (n+w.passed)/(Patience+1))
	}
	return n
}
