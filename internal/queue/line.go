package queue

// Classes is the number of classes of a [Line]. Class 0 is the highest.
const Classes = 3

// Patience bounds how long a class is passed over: after Patience waiters of higher
// classes in a row have gone while it had one waiting, the next to go is of this
// class, or of another that has been passed over for longer. So a class that waits
// gets at least one turn in Patience+2, or in Patience+1 if only two classes wait.
const Patience = 9

// Line is a queue with classes and flows. Higher classes go first, but none starves
// (see [Patience]). Within a class, flows take turns, so that one with a thousand
// waiters does not shut out one with a single waiter. Within a flow, order is first
// come, first served.
//
// Every method but [Line.Places] takes constant time, whatever the number of waiters
// and flows. The zero value is empty and ready to use.
type Line[T any] struct {
	classes [Classes]class[T]
	n       int
}

// class holds the waiters of one class.
type class[T any] struct {
	turns  Queue[*flow[T]] // the front flow's turn is next
	byName map[string]*flow[T]
	n      int
	passed int // how many of higher classes went in a row while one of this class waited
}

// Place is a place in at most one line. Who is the waiter that holds it.
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

// Push appends p, which must not be in a line, to its flow.
func (l *Line[T]) Push(p *Place[T], class int, name string) {
	c := &l.classes[class]
	f := c.flowOf(name)
	p.node.Value = p
	f.Push(&p.node)
	p.line, p.flow, p.class = l, f, class
	c.n++
	l.n++
}

// Front returns the next to go if only the first open classes may, or nil if none of
// those waits. The result changes only when a waiter comes, goes or leaves.
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

// Places returns all waiters, higher classes first.
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

// Starved reports whether some class has been passed over for so long that it goes
// next, whatever is reserved for higher ones.
func (l *Line[T]) Starved() bool {
	for i := range l.classes {
		if l.classes[i].passed >= Patience {
			return true
		}
	}
	return false
}

// Pass removes p from its line because it goes, and counts the classes passed over.
func (l *Line[T]) Pass(p *Place[T]) {
	class, turn := p.class, &p.flow.turn
	if p.Leave(); turn.queue != nil { // the flow has had its turn and has more waiters
		turn.Remove()
		l.classes[class].turns.Push(turn)
	}
	l.Passed(class)
}

// Passed records that a request of a class went, from the line or without waiting in
// it.
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

// Leave removes p from its line. It does nothing if p is in none.
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

// Ahead estimates how many go before a newcomer of the class and flow: of its class,
// its own flow and as many of every other flow; all of higher classes, but at most
// [Patience] for each of these; and of lower classes, the turns they get meanwhile.
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
