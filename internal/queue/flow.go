package queue

// flow holds the waiters of one flow.
type flow[T any] struct {
	Queue[*Place[T]]
	name string
	turn Node[*flow[T]] // among the flows of its class
}

// flowOf returns the flow of a name. A new one takes its turn last.
func (c *class[T]) flowOf(name string) *flow[T] {
	if f := c.find(name); f != nil {
		return f
	}
	f := &flow[T]{name: name}
	f.turn.Value = f
	if only := c.turns.Front(); only != nil && c.byName == nil {
		c.byName = map[string]*flow[T]{only.Value.name: only.Value}
	}
	if c.byName != nil { // a single flow needs no map
		c.byName[name] = f
	}
	c.turns.Push(&f.turn)
	return f
}

// find returns the flow of a name, or nil.
func (c *class[T]) find(name string) *flow[T] {
	if c.byName != nil {
		return c.byName[name]
	}
	if only := c.turns.Front(); only != nil && only.Value.name == name {
		return only.Value
	}
	return nil
}

// drop removes an empty flow.
func (c *class[T]) drop(f *flow[T]) {
	f.turn.Remove()
	if delete(c.byName, f.name); c.turns.Len() == 0 {
		c.byName = nil
	}
}

// flowSample bounds how many flows [class.ahead] looks at; it extrapolates to the
// rest.
const flowSample = 64

// ahead estimates how many of the class go before a newcomer of a flow: all that wait
// in its flow, and up to one more than that of every other.
func (c *class[T]) ahead(name string) int {
	own, others := 0, c.turns.Len()
	mine := c.find(name)
	if mine != nil {
		own, others = mine.Len(), others-1
	}
	if own == 0 || others == 0 {
		return own + others
	}
	sum, seen, rest := 0, 0, c.n-own
	for turn := c.turns.Front(); seen < min(others, flowSample); turn = turn.Next() {
		if f := turn.Value; f != mine {
			sum += min(f.Len(), own+1)
			rest -= f.Len()
			seen++
		}
	}
	return own + sum + min(rest, sum*(others-seen)/seen)
}
