package adapt

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/bucket"
	"github.com/clerkthrottle/clerkthrottle-go/internal/gate"
	"github.com/clerkthrottle/clerkthrottle-go/internal/served"
)

// A scenario is a simulation to run: programs on the real gate, rate and window
// bucket, each with a queue per endpoint, a network with lognormal round trips, and a
// server.
type scenario struct {
	limit       int // in 10 s
	endpoints   int // that callers draw from at random; 0: one
	perEndpoint bool
	blocks      time.Duration // every Retry-After; 0: until the limit has room
	blind       bool          // 429s come without Retry-After
	stray       time.Duration // the first request after this is refused, with a Retry-After of 1 s; 0: none is
	roundTrip   time.Duration // its median; 0: 50 ms
	length      time.Duration // 0: ten minutes
	programs    []program
	rules       *rules // nil: the standard ones
}

type program struct {
	callers     int           // that call again as soon as they are answered,
	every       time.Duration // or after a random pause of this mean,
	burst       int           // calls at once; 0: one
	perSecond   float64       // or this many calls a second at random, independent of answers
	calls       int           // or this many calls, all at once
	patience    time.Duration // a call that would wait for longer is refused; 0: none is
	from, until time.Duration
	yields      bool
	bare        bool // ignores limits
}

// repeat returns n programs like p.
func repeat(n int, p program) []program {
	all := make([]program, n)
	for i := range all {
		all[i] = p
	}
	return all
}

// window is the window of all limits here.
const window = 10 * time.Second

type algorithm int

const (
	fixedWindow algorithm = iota
	slidingLog
	tokenBucket
)

const servers = 3 // kinds of servers

func (a algorithm) String() string { return [...]string{"fixed", "sliding", "bucket"}[a] }

// counter is a server's count of n requests in a window.
type counter struct {
	algorithm
	n     int
	log   []time.Duration // sliding: the latest n, a ring
	taken int             // in all; fixed: in this window
	phase time.Duration   // fixed
	index int64           // fixed: of the window
	level float64         // bucket: tokens missing
	at    time.Duration   // bucket: when level was last updated
}

// wait returns the time until there is room.
func (c *counter) wait(now time.Duration) time.Duration {
	switch c.algorithm {
	case slidingLog:
		if c.taken < c.n {
			return 0
		}
		return max(0, c.log[c.taken%c.n]+window-now)
	case fixedWindow:
		if i := int64((now + c.phase) / window); i != c.index {
			c.index, c.taken = i, 0
		}
		if c.taken < c.n {
			return 0
		}
		return window - (now+c.phase)%window
	default:
		perToken := window.Seconds() / float64(c.n)
		c.level = max(0, c.level-(now-c.at).Seconds()/perToken)
		c.at = now
		return time.Duration(max(0, c.level+1-float64(c.n)) * perToken * float64(time.Second))
	}
}

func (c *counter) take(now time.Duration) {
	if c.algorithm == slidingLog {
		c.log[c.taken%c.n] = now
	}
	c.taken++
	c.level++
}

// sim is a running simulation.
type sim struct {
	scenario
	rng      *rand.Rand
	now      time.Duration
	todo     todo
	seq      int
	counters []*counter
	blocked  []time.Duration
	results
}

// results are the results of a simulation.
type results struct {
	*served.Counts
	length  time.Duration
	refused int
	last    time.Duration // when the last call was answered
}

// client is a running program.
type client struct {
	*program
	*sim
	number int
	window bucket.Window
	lines  []*endpoint
}

// endpoint is one endpoint, as a program sees it.
type endpoint struct {
	*client
	number int
	gate   gate.Gate
	rate   *Rate
	queue  []*call
	wakeAt time.Duration
}

type call struct {
	deadline time.Duration
	done     func()
}

type event struct {
	at  time.Duration
	seq int
	do  func()
}

type todo []event

func (t todo) Len() int      { return len(t) }
func (t todo) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *todo) Push(x any)   { *t = append(*t, x.(event)) }
func (t todo) Less(i, j int) bool {
	return t[i].at < t[j].at || t[i].at == t[j].at && t[i].seq < t[j].seq
}
func (t *todo) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

func (s *sim) in(d time.Duration, do func()) {
	s.seq++
	heap.Push(&s.todo, event{s.now + d, s.seq, do})
}

// play runs s.
func (s scenario) play(a algorithm, seed uint64) *results {
	s.endpoints, s.length = max(s.endpoints, 1), max(s.length, 0)
	if s.length == 0 {
		s.length = 10 * time.Minute
	}
	if s.roundTrip == 0 {
		s.roundTrip = 50 * time.Millisecond
	}
	m := &sim{scenario: s, rng: rand.New(rand.NewPCG(seed, 0)), blocked: make([]time.Duration, s.endpoints)}
	m.results.length = s.length
	m.Counts = served.New(len(s.programs), s.limit, window, s.length)
	phase := time.Duration(m.rng.Int64N(int64(window)))
	for range s.endpoints {
		m.counters = append(m.counters, &counter{algorithm: a, n: s.limit, log: make([]time.Duration, s.limit), phase: phase})
	}
	for i := range s.programs {
		c := &client{program: &m.programs[i], sim: m, number: i, window: bucket.New(s.limit, window)}
		for e := range s.endpoints {
			rate := New(s.limit, window, c.yields)
			if s.rules != nil {
				rate.rules = s.rules
			}
			c.lines = append(c.lines, &endpoint{client: c, number: e, rate: rate})
		}
		m.in(c.from, c.start)
	}
	for len(m.todo) > 0 && m.todo[0].at <= s.length {
		e := heap.Pop(&m.todo).(event)
		m.now = e.at
		e.do()
	}
	return &m.results
}

func (c *client) start() {
	switch {
	case c.calls > 0:
		for range c.calls {
			c.ask(func() {})
		}
	case c.perSecond > 0:
		c.arrivals()
	default:
		for range c.callers {
			c.callAgain()
		}
	}
}

func (c *client) over() bool { return c.until > 0 && c.now >= c.until }

func (c *client) pause(mean float64) time.Duration {
	return time.Duration(c.rng.ExpFloat64() * mean * float64(time.Second))
}

func (c *client) arrivals() {
	c.in(c.pause(1/c.perSecond), func() {
		if !c.over() {
			c.ask(func() {})
			c.arrivals()
		}
	})
}

// callAgain makes a caller's calls, one after the other.
func (c *client) callAgain() {
	n := max(c.burst, 1)
	left := n
	c.in(c.pause(c.every.Seconds()*float64(n)), func() {
		for range n {
			c.ask(func() {
				if left--; left == 0 {
					c.callAgain()
				}
			})
		}
	})
}

// ask makes a call and calls done when it is answered or refused.
func (c *client) ask(done func()) {
	if c.over() {
		return
	}
	e := c.lines[0]
	if c.endpoints > 1 {
		e = c.lines[c.rng.IntN(c.endpoints)]
	}
	k := &call{deadline: math.MaxInt64, done: done}
	if c.patience > 0 {
		k.deadline = c.now + c.patience
	}
	e.enter(k)
}

// enter queues a call, or refuses it.
func (e *endpoint) enter(k *call) {
	ahead := len(e.queue)
	if e.bare {
		e.send(k)
		return
	}
	if max(e.gate.Until(), e.rate.When(e.now, ahead), e.window.When(e.now, ahead, 0, e.roundTrip)) >= k.deadline {
		e.refuse(k)
		return
	}
	e.queue = append(e.queue, k)
	e.pump()
}

func (e *endpoint) refuse(k *call) {
	e.refused++
	k.done()
}

// pump sends the calls that may be sent, and schedules itself for the next.
func (e *endpoint) pump() {
	for len(e.queue) > 0 {
		if e.queue[0].deadline <= e.now || e.over() {
			k := e.queue[0]
			e.queue = e.queue[1:]
			if !e.over() {
				e.refuse(k)
			}
			continue
		}
		if !e.gate.Ready(e.now) || !e.rate.Ready(e.now) || !e.window.Ready(e.now) {
			at := max(e.gate.Until(), e.rate.When(e.now, 0), e.window.When(e.now, 0, 0, 0), e.now+1)
			at = min(at, e.queue[0].deadline, e.now+time.Hour)
			if e.wakeAt <= e.now || at < e.wakeAt {
				e.wakeAt = at
				e.in(at-e.now, e.pump)
			}
			return
		}
		k := e.queue[0]
		e.queue = e.queue[1:]
		e.rate.Take(e.now)
		e.window.Take(e.now)
		e.send(k)
	}
}

// sigma is the sigma of the lognormal round trip.
const sigma = 0.4

func (e *endpoint) send(k *call) {
	sent := e.now
	half := time.Duration(float64(e.roundTrip)*math.Exp(sigma*e.rng.NormFloat64())) / 2
	e.in(half, func() {
		ok, retryAfter := e.arrive()
		e.in(half, func() { e.answer(k, sent, ok, retryAfter) })
	})
}

// arrive is the server's handling of a call.
func (e *endpoint) arrive() (ok bool, retryAfter time.Duration) {
	until := &e.blocked[e.number]
	if e.stray > 0 && e.now >= e.stray {
		e.stray = 0
		*until = e.now + time.Second
	}
	if e.now >= *until {
		c := e.counters[0]
		if e.perEndpoint {
			c = e.counters[e.number]
		}
		wait := c.wait(e.now)
		if wait == 0 {
			c.take(e.now)
			e.Answer(e.client.number, e.now, true)
			return true, 0
		}
		if e.blocks > 0 {
			wait = e.blocks
		}
		*until = e.now + wholeSeconds(wait)
	}
	e.Answer(e.client.number, e.now, false)
	return false, wholeSeconds(*until - e.now)
}

func wholeSeconds(d time.Duration) time.Duration {
	return max(1, (d+time.Second-1)/time.Second) * time.Second
}

func (e *endpoint) answer(k *call, sent time.Duration, ok bool, retryAfter time.Duration) {
	if e.bare {
		k.done()
		return
	}
	e.window.Settle(e.now)
	if ok {
		e.gate.Pass(sent)
		e.rate.Answered(e.now)
		e.last = e.now
		k.done()
	} else {
		if e.blind {
			e.gate.BackOff(e.now, sent)
		} else {
			e.gate.Block(e.now, sent, retryAfter)
		}
		e.rate.Throttled(e.now, sent, e.gate.Until())
		e.enter(k)
	}
	for _, other := range e.lines { // a token of the window may be free
		other.pump()
	}
}
