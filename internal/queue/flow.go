package queue

// flowOf returns the flow of a name, made if there is none.
func (c *class[T]) flowOf(name string) *flow[T] {
	if f, ok := c.find(name); ok {
		return f
	}
	f := &flow[T]{name: name}
	c.flows++
	if c.turn == nil { // the only one: no map for it
		f.prev, f.next = f, f
		c.turn = f
		return f
	}
	if c.byName == nil {
		c.byName = map[string]*flow[T]{c.turn.name: c.turn}
	}
	c.byName[name] = f
	// A newcomer's turn comes last.
	f.prev, f.next = c.turn.prev, c.turn
	f.prev.next, f.next.prev = f, f
	return f
}

func (c *class[T]) find(name string) (*flow[T], bool) {
	switch {
	case c.turn == nil:
		return nil, false
	case c.byName == nil:
		return c.turn, c.turn.name == name
	}
	f, ok := c.byName[name]
	return f, ok
}

// drop takes an empty flow out of the ring.
func (c *class[T]) drop(f *flow[T]) {
	c.flows--
	if c.flows == 0 {
		c.turn, c.byName = nil, nil
		return
	}
	f.prev.next, f.next.prev = f.next, f.prev
	if c.turn == f {
		c.turn = f.next
	}
	delete(c.byName, f.name)
}

// flowsSeen bounds how many flows [class.ahead] looks at: of the rest it takes
// these for a sample.
const flowsSeen = 64

// ahead estimates how many of the class go before a newcomer of a flow: all of
// that, and one more of every other flow, as far as it has so many.
func (c *class[T]) ahead(name string) int {
	own, mine := 0, (*flow[T])(nil)
	others := c.flows
	if f, ok := c.find(name); ok {
		own, mine, others = f.Len(), f, c.flows-1
	}
	if own == 0 || others == 0 {
		return own + others
	}
	sum, seen, rest := 0, 0, c.n-own
	for f := c.turn; seen < min(others, flowsSeen); f = f.next {
		if f != mine {
			sum += min(f.Len(), own+1)
			rest -= f.Len()
			seen++
		}
	}
	return own + sum + min(rest, sum*(others-seen)/seen)
}
