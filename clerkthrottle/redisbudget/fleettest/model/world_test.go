package model

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget/internal/protocol"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// A tick is a sixth of the in-flight bound.
const (
	bound   = 6
	longest = 8                   // longest window tried
	old     = bound + longest + 1 // times further back are equal
)

// world is a state of the whole system. It is seen at tick 0: earlier times are
// negative. To keep the number of worlds finite however many calls there are, it has
// of epochs only whether they are the store's, and of call numbers only their order.
type world struct {
	size, tokens int8 // number of programs and tokens
	window       int8
	faults       int8 // faults still allowed
	away         bool
	store        memory
	programs     [Programs]program
	calls        [Programs]message // that programs wait for
	ghost        message           // an abandoned call that may still be executed
	arrived      [longest]int8     // requests that reached the server, by ticks ago
}

// memory is a compact Store.
type memory struct {
	known           bool
	recovery, heard int8
	marked          bool
	limit, current  bool // the limit is known, and in the store's epoch
	programs        [Programs]known
}

// known is what the store knows of a program.
type known struct {
	known       bool
	seq, heard  int8
	record      bool
	owned, need int8
}

// program is the state of one program, in transport and member.
type program struct {
	dead, last bool // last: it died right after sending a request that has not arrived
	known      bool
	current    bool // its epoch is the store's
	seq, heard int8
	sent       int8
	tried      int8
	frozen     bool
	lease      int8 // it may spend until then
	owned      int8
	spent      [longest]int8 // spent tokens, by ticks until they are free
}

// message is a call in flight, or its answer.
type message struct {
	there       bool
	program     int8
	current     bool
	seq, heard  int8
	began       int8
	owned, need int8
	answer      answer
	inEpoch     bool // of the answer
	grant       int8
}

type answer int8

const (
	unanswered answer = iota
	answeredOK
	answeredEpoch
	answeredStale
)

// variant is a protocol with a known defect, to test that the search finds it.
type variant string

const (
	sound         variant = ""
	noNumbers     variant = "late and repeated calls count"
	noRecovery    variant = "an unknown budget grants at once"
	shortRecovery variant = "recovery ends before all have reported"
	lateAnswer    variant = "a late answer is applied"
	anyEpoch      variant = "a call of another epoch is believed"
	noLease       variant = "a program that was frozen goes on"
	thawed        variant = "a program that was frozen goes on when it finds Redis away"
	lateLease     variant = "a lease counts from when the answer came"
	earlyDeath    variant = "tokens of the dead are free after the bound, without a window"
	risenDead     variant = "a program taken for dead is believed"
)

// event is something that happens, to a program if it concerns one.
type event struct {
	what    happening
	program int8
}

type happening int8

const (
	tick happening = iota
	spends
	spendsAndDies
	lastArrives
	dies
	asks
	givesBack
	carriedOut
	carriedOutTwice
	answered
	givenUp
	ghostCarriedOut
	ghostAnswered
	forgets
	evicts
	goesAway
	comesBack
	clockForward
	clockBack
)

// happenings describes events, with # for the program.
var happenings = [...]string{
	tick:            "a tick",
	spends:          "# spends a token",
	spendsAndDies:   "# spends a token, and dies before the request arrives",
	lastArrives:     "the last request of # arrives",
	dies:            "# dies",
	asks:            "# asks",
	givesBack:       "# gives back what is free",
	carriedOut:      "the call of # is executed",
	carriedOutTwice: "the call of # is executed, and a copy is in flight",
	answered:        "# gets the answer",
	givenUp:         "# gives up its call",
	ghostCarriedOut: "the call that # gave up is executed",
	ghostAnswered:   "the answer to the call that # gave up arrives",
	forgets:         "Redis forgets all",
	evicts:          "Redis evicts the limit",
	goesAway:        "Redis goes away",
	comesBack:       "Redis is back",
	clockForward:    "the clock of Redis steps forward",
	clockBack:       "the clock of Redis steps back",
}

func (e event) String() string {
	return strings.Replace(happenings[e.what], "#", fmt.Sprint("program ", e.program), 1)
}

// each calls do with every event that can happen and the world after it. Cases that
// the README lists under "Where N does not hold" do not happen: that Redis loses its
// memory while tokens of a dead program are spent; that a program dies, or is silent,
// before it has reported what it owns; and that a single program cannot reach Redis
// for as long as its lease.
func (w *world) each(v variant, do func(event, world)) {
	can := func(what happening, i int8, change func(*world)) {
		n := *w
		change(&n)
		n.normalize()
		do(event{what, i}, n)
	}
	fault := func(what happening, i int8, change func(*world)) {
		if w.faults > 0 {
			can(what, i, func(n *world) { n.faults--; change(n) })
		}
	}
	waits, quarantine := false, false
	for i := range w.size {
		p := &w.programs[i]
		waits = waits || p.atStake() && !w.told(i)
		quarantine = quarantine || p.dead && (p.last || p.out() > 0)
	}
	if !w.store.known || w.store.recovery != 1 || !waits {
		can(tick, 0, (*world).tick)
	}
	for i := range w.size {
		p := &w.programs[i]
		if p.last && p.sent > -bound {
			can(lastArrives, i, func(n *world) { n.programs[i].last = false; n.arrive(i) })
		}
		if p.dead {
			continue
		}
		if p.free() > 0 && (v == noLease || p.lease > 0) {
			can(spends, i, func(n *world) { n.arrive(i) })
			if w.told(i) {
				fault(spendsAndDies, i, func(n *world) { n.die(i); n.programs[i].last = true })
			}
		}
		if w.told(i) || p.out() == 0 {
			fault(dies, i, func(n *world) { n.die(i) })
		}
		m := &w.calls[i]
		if !m.there {
			can(asks, i, func(n *world) { n.call(i, n.tokens) })
			if p.free() > 0 {
				can(givesBack, i, func(n *world) { n.programs[i].owned -= n.programs[i].free(); n.call(i, 0) })
			}
			continue
		}
		switch {
		case m.answer != unanswered:
			can(answered, i, func(n *world) { n.calls[i] = message{}; n.heed(*m, v) })
		case !w.away:
			can(carriedOut, i, func(n *world) { n.do(&n.calls[i], v) })
			if !w.ghost.there {
				fault(carriedOutTwice, i, func(n *world) { n.ghost = *m; n.do(&n.calls[i], v) })
			}
		}
		giveUp := func(n *world) { n.calls[i] = message{}; n.programs[i].alone(*m, v); n.haunt(*m, v) }
		if w.away {
			can(givenUp, i, giveUp)
		} else if p.sent > -bound+bound/6 {
			fault(givenUp, i, giveUp)
		}
	}
	if g := &w.ghost; g.there && g.answer == unanswered && !w.away {
		can(ghostCarriedOut, g.program, func(n *world) {
			if n.do(&n.ghost, v); v != lateAnswer {
				n.ghost = message{}
			}
		})
	} else if g.there && g.answer != unanswered && !w.programs[g.program].dead {
		can(ghostAnswered, g.program, func(n *world) { n.ghost = message{}; n.heed(*g, v) })
	}
	switch {
	case w.away:
		can(comesBack, 0, func(n *world) { n.away = false })
	case w.store.known:
		if !quarantine {
			fault(forgets, 0, func(n *world) { n.store = memory{}; n.newEpoch() })
		}
		fault(goesAway, 0, func(n *world) { n.away = true })
		fault(clockForward, 0, func(n *world) { n.store.age(bound + n.window) })
		if w.store.heard <= bound/2 { // beyond the bound it is as if Redis lost its memory
			fault(clockBack, 0, func(n *world) { n.store.age(-bound / 2) })
		}
		if w.store.limit && !quarantine {
			fault(evicts, 0, func(n *world) {
				n.store.limit, n.store.current = false, false
				for i := range n.store.programs {
					p := &n.store.programs[i]
					p.record, p.owned, p.need = false, 0, 0
				}
			})
		}
	}
}

func (p *program) free() int8 { return p.owned - p.out() }

func (p *program) out() (n int8) {
	for _, k := range p.spent {
		n += k
	}
	return n
}

// atStake reports whether a program has tokens that a store without memory must learn
// of.
func (p *program) atStake() bool { return !p.dead && (p.out() > 0 || p.lease > 0 && p.owned > 0) }

// told reports whether the store knows what a program owns.
func (w *world) told(i int8) bool {
	return w.store.known && w.store.current && w.store.programs[i].record
}

// tick advances time by one tick.
func (w *world) tick() {
	w.store.age(1)
	copy(w.arrived[1:w.window], w.arrived[:])
	w.arrived[0] = 0
	for i := range w.programs {
		p := &w.programs[i]
		p.sent = max(p.sent-1, -bound)
		p.tried = max(p.tried-1, -bound-1)
		p.lease = max(p.lease-1, 0)
		copy(p.spent[:], p.spent[1:])
		p.spent[longest-1] = 0
		p.last = p.last && p.sent > -bound // after that it never arrives
		w.calls[i].age()
	}
	w.ghost.age()
}

func (m *message) age() {
	if m.there {
		m.began = max(m.began-1, -bound)
	}
}

// age moves all times of the store back.
func (s *memory) age(ticks int8) {
	if s.recovery > s.heard { // not over
		s.recovery = max(s.recovery-ticks, -old+1)
	}
	s.heard = max(s.heard-ticks, -old)
	for i := range s.programs {
		if p := &s.programs[i]; p.known {
			p.heard = max(p.heard-ticks, -old)
		}
	}
}

// arrive makes a request of a program reach the server.
func (w *world) arrive(i int8) {
	w.programs[i].spent[w.window-1]++
	w.arrived[0]++
}

func (w *world) die(i int8) {
	w.programs[i] = program{dead: true, sent: w.programs[i].sent, spent: w.programs[i].spent}
	m := w.calls[i]
	w.calls[i] = message{}
	w.haunt(m, sound)
}

// haunt keeps an abandoned call that may still be executed.
func (w *world) haunt(m message, v variant) {
	if m.there && !w.ghost.there && (m.answer == unanswered || v == lateAnswer) {
		w.ghost = m
	}
}

// session returns the program's session.
func (p *program) session() protocol.Session {
	return protocol.Session{Epoch: epoch(p.current), Seq: int64(p.seq), Heard: int64(p.heard), Sent: time.Duration(p.sent), Known: p.known, Tried: time.Duration(p.tried), Frozen: p.frozen}
}

func (p *program) remember(s protocol.Session) {
	p.current, p.seq, p.heard, p.sent, p.known = s.Epoch == epoch(true), int8(s.Seq), int8(s.Heard), int8(s.Sent), s.Known
	p.tried, p.frozen = int8(s.Tried), s.Frozen
}

// epoch returns the name of the store's epoch, or of an earlier one.
func epoch(current bool) string {
	if current {
		return "this"
	}
	return "before"
}

// call makes a program send a call.
func (w *world) call(i, need int8) {
	p := &w.programs[i]
	s := p.session()
	n := s.Next(0, bound)
	w.calls[i] = message{
		there: true, program: i, current: p.current, seq: int8(n.Seq), heard: int8(n.Heard),
		owned: int8(s.Owns(int(p.owned))), need: need,
	}
	p.remember(s)
}

// do executes a call.
func (w *world) do(m *message, v variant) {
	c := Call{
		Program: int(m.program), Number: protocol.Number{Epoch: epoch(m.current), Seq: int64(m.seq), Heard: int64(m.heard)},
		Bound: bound, Seed: "new", Named: true,
		Told: Record{Owned: int(m.owned), N: int(w.tokens), Window: int(w.window), Need: snapshot.Classes{Normal: int(m.need)}},
	}
	s := w.store.unpack(int(w.tokens), int(w.window))
	switch v {
	case noNumbers:
		s.Program[c.Program].Seq = -1
		c.Heard = 0
	case anyEpoch:
		if s.Known {
			c.Epoch = s.Epoch
		}
	case earlyDeath:
		for i := range s.Limit.Record {
			s.Limit.Record[i].Window = 0
		}
	case risenDead:
		if r := &s.Limit.Record[c.Program]; s.Limit.Known && !r.Known {
			*r = c.Told
			r.Known = true
		}
	}
	r := s.Do(0, c)
	if s.Epoch == c.Seed {
		w.newEpoch()
		switch v {
		case noRecovery:
			s.Recovery = 0
		case shortRecovery:
			s.Recovery = 1
		}
	}
	w.store.pack(&s)
	m.grant, m.inEpoch = int8(r.Share.Owned), true
	m.answer = map[string]answer{"ok": answeredOK, "epoch": answeredEpoch, "stale": answeredStale}[r.Status]
}

// newEpoch makes the current epoch an earlier one.
func (w *world) newEpoch() {
	w.store.current = false
	for i := range w.programs {
		w.programs[i].current = false
		w.calls[i].current, w.calls[i].inEpoch = false, false
	}
	w.ghost.current, w.ghost.inEpoch = false, false
}

func (s *memory) unpack(tokens, window int) (all Store) {
	all = Store{Known: s.known, Recovery: int(s.recovery), Heard: int(s.heard), Base: -old, Longest: window, Marked: s.marked}
	if s.known {
		all.Epoch = epoch(true)
	}
	l := &all.Limit
	l.Known = s.limit
	if s.limit {
		l.Window, l.Epoch = window, epoch(s.current)
	}
	for i := range s.programs {
		from, p, r := &s.programs[i], &all.Program[i], &l.Record[i]
		p.Known, p.Seq, p.Heard = from.known, int(from.seq), int(from.heard)
		if from.record {
			*r = Record{Known: true, Owned: int(from.owned), N: tokens, Window: window, Need: snapshot.Classes{Normal: int(from.need)}}
		}
	}
	return all
}

// pack converts all, without what no longer matters.
func (s *memory) pack(all *Store) {
	*s = memory{known: all.Known, recovery: int8(all.Recovery), heard: int8(all.Heard), marked: all.Marked, limit: all.Limit.Known, current: all.Limit.Epoch == all.Epoch}
	for i := range s.programs {
		p, from, r := &s.programs[i], &all.Program[i], &all.Limit.Record[i]
		if from.Known {
			p.known, p.seq, p.heard = true, int8(from.Seq), int8(max(from.Heard, all.Base, -old))
		}
		if r.Known && s.current { // records of another epoch are never read
			p.record, p.owned, p.need = true, int8(r.Owned), int8(r.Need.Normal)
		}
	}
}

// heed applies an answer, as member and fleet do.
func (w *world) heed(m message, v variant) {
	p := &w.programs[m.program]
	s, began := p.session(), time.Duration(m.began)
	if v == lateLease {
		began = 0
	}
	switch m.answer {
	case answeredEpoch:
		s.Enter(epoch(m.inEpoch))
		p.lease = max(p.lease, int8(began+s.Left(began, bound)))
	case answeredStale: // it becomes another program, which is not searched
		w.die(m.program)
		return
	default:
		s.Answered(protocol.Number{Seq: int64(m.seq)}, began)
		p.lease = max(0, int8(began+bound))
		p.owned = m.grant
	}
	p.remember(s)
}

// alone gives up a call, as member and fleet do.
func (p *program) alone(m message, v variant) {
	if s, began := p.session(), time.Duration(m.began); s.Known {
		s.Frozen = s.Frozen && v != thawed
		p.lease = max(p.lease, int8(began+s.Alone(began, bound)))
	}
}

// normalize makes worlds equal if their differences do not matter.
func (w *world) normalize() {
	switch s := &w.store; {
	case !s.known:
		*s = memory{}
	case s.recovery <= s.heard:
		s.recovery = -old // over
	}
	for i := range w.size {
		p, known := &w.programs[i], &w.store.programs[i]
		if !p.current {
			p.heard = 0
		}
		of := []*int8{&p.seq, &p.heard, &known.seq}
		for _, m := range []*message{&w.calls[i], &w.ghost} {
			if m.there && m.program == i {
				of = append(of, &m.seq, &m.heard)
			}
		}
		var ranks []int8
		for _, n := range of {
			if *n > 0 && !slices.Contains(ranks, *n) {
				ranks = append(ranks, *n)
			}
		}
		slices.Sort(ranks)
		for _, n := range of {
			*n = int8(slices.Index(ranks, *n) + 1)
		}
	}
}

// bad returns a description of what is wrong, or "": more requests in a window than
// tokens, if all that may be sent is sent now.
func (w *world) bad(v variant) string {
	n := int8(0)
	for _, k := range w.arrived {
		n += k
	}
	for i := range w.size {
		p := &w.programs[i]
		if p.last {
			n++
		}
		if !p.dead && (v == noLease || p.lease > 0) {
			n += max(0, p.free())
		}
	}
	if n > w.tokens {
		return fmt.Sprintf("%d requests in a window, of %d", n, w.tokens)
	}
	return ""
}

// recovers reports whether a program comes to own everything when the others do
// nothing.
func (w world) recovers(i int8) bool {
	w.away = false
	for range 6 * bound {
		w.calls[i], w.ghost = message{}, message{}
		w.call(i, w.tokens)
		m := w.calls[i]
		w.calls[i] = message{}
		w.do(&m, sound)
		w.heed(m, sound)
		if w.programs[i].owned == w.tokens {
			return true
		}
		w.tick()
		w.normalize()
	}
	return false
}

// cold returns a world without any history.
func cold(size, tokens, window, faults int8) world {
	w := world{size: size, tokens: tokens, window: window, faults: faults}
	for i := range w.programs {
		w.programs[i].sent = -bound
	}
	return w
}

// warm returns a world in which the budget is known, recovery is over, and one
// program owns all tokens.
func warm(size, tokens, window, faults int8) world {
	w := cold(size, tokens, window, faults)
	for range 2 * bound {
		for i := range size {
			for range 2 {
				w.call(i, tokens*(1-min(i, 1)))
				m := w.calls[i]
				w.calls[i] = message{}
				w.do(&m, sound)
				w.heed(m, sound)
			}
		}
		w.tick()
		w.normalize()
	}
	return w
}
