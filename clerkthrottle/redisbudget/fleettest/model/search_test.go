package model

import (
	"flag"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget/internal/protocol"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

var states = flag.Int("states", 200_000, "how many states to search, in order of the steps to them; 5,000,000 take some minutes")

// The small fleet that is searched: two programs and one
// token, for which they compete. A tick is a sixth of
// the in-flight bound.
const (
	fleet  = 2
	tokens = 1
	window = 2
	bound  = 6
	unit   = time.Duration(1)
	ghosts = 1
	old    = bound + window + 1 // everything that long ago is equally long ago
)

// world is everything there is at a moment, which is tick 0: what was is negative.
// It is comparable.
type world struct {
	store    Store
	away     bool
	programs [fleet]program
	calls    [fleet]message // under way; Program -1: none
	ghosts   [ghosts]message
	arrived  [window]int8 // requests that reached the server, by how many ticks ago
	faults   int8         // how many more there may be
	epochs   int8
}

// program is one program, as transport and member are.
type program struct {
	dead    bool
	session protocol.Session // its times in ticks
	lease   int8             // until then it may spend
	owned   int8
	spent   [window]int8 // tokens on their way back, by ticks until they are free
	last    bool         // it died right after sending a request, which has not arrived
	calls   int8         // how many more it may make
}

type message struct {
	Call
	began int8 // when it was sent
}

var none = message{Call: Call{Program: -1}}

func (p *program) free() int8 {
	free := p.owned
	for _, n := range p.spent {
		free -= n
	}
	return free
}

// variant is a protocol that is known to be bad, for tests that the search finds it.
type variant string

const (
	sound         variant = ""
	noNumbers     variant = "calls that come late or twice count"
	noRecovery    variant = "a budget that is not known grants at once"
	shortRecovery variant = "recovery is over before all have told"
	lateAnswer    variant = "an answer is heeded after its call was given up"
	anyEpoch      variant = "a call of another epoch is believed"
	noLease       variant = "a program that was frozen goes on"
	earlyDeath    variant = "the dead are given up after the bound, without a window"
	toldIsTrue    variant = "what is told is believed, whatever is written down"
)

// step is one thing that can happen.
type step struct {
	name string
	w    world
}

// next returns everything that can happen.
func (w world) next(v variant) (all []step) {
	add := func(name string, change func(w *world)) {
		n := w
		change(&n)
		all = append(all, step{name, n})
	}
	add("tick", (*world).tick)
	for i := range fleet {
		p := &w.programs[i]
		id := fmt.Sprint(i)
		if p.last && p.session.Sent > -bound {
			add(id+"'s last request arrives", func(w *world) { w.programs[i].last = false; w.arrived[0]++ })
		}
		if p.dead {
			continue
		}
		if p.free() > 0 && (v == noLease || p.lease > 0) {
			add(id+" spends", func(w *world) { w.programs[i].spend(); w.arrived[0]++ })
			if w.faults > 0 {
				add(id+" spends and dies", func(w *world) { w.programs[i].last = true; w.die(i) })
			}
		}
		if w.faults > 0 {
			add(id+" dies", func(w *world) { w.die(i) })
		}
		if w.calls[i].Program >= 0 {
			continue
		}
		if p.calls > 0 {
			add(id+" asks", func(w *world) { w.call(i, true) })
			if p.free() > 0 {
				add(id+" gives back", func(w *world) { w.call(i, false) })
			}
		}
	}
	for i := range fleet {
		m := w.calls[i]
		if m.Program < 0 {
			continue
		}
		id := fmt.Sprint(i)
		if !w.away {
			add(id+"'s call is answered", func(w *world) {
				w.calls[i] = none
				r := w.do(m, v)
				w.heed(i, m, r)
			})
			if w.faults > 0 {
				add(id+"'s call is answered, and another copy is under way", func(w *world) {
					w.faults--
					w.calls[i] = none
					r := w.do(m, v)
					w.heed(i, m, r)
					w.haunt(m)
				})
			}
		}
		// A program that cannot reach Redis for as long as its lease, while others
		// can, goes on with what it owns: see "Where N does not hold".
		p := &w.programs[i]
		short := int(p.session.Sent) > -bound+bound/6
		if w.away || w.faults > 0 && short {
			add(id+" gives its call up", func(w *world) {
				if !w.away {
					w.faults--
				}
				w.calls[i] = none
				w.programs[i].alone(m)
				w.haunt(m)
			})
		}
		if !w.away && w.faults > 0 && short {
			add(id+"'s call is carried out, and its answer lost", func(w *world) {
				w.faults--
				w.calls[i] = none
				r := w.do(m, v)
				w.programs[i].alone(m)
				if v == lateAnswer {
					w.heed(i, m, r)
				}
			})
		}
	}
	for k, m := range w.ghosts {
		if m.Program >= 0 && !w.away {
			add(fmt.Sprintf("%d's call that was given up is carried out", m.Program), func(w *world) {
				w.ghosts[k] = none
				r := w.do(m, v)
				if v == lateAnswer && !w.programs[m.Program].dead && w.calls[m.Program].Program < 0 {
					w.heed(m.Program, m, r)
				}
			})
		}
	}
	if w.faults > 0 && w.store.Known && !w.away {
		add("Redis forgets all", func(w *world) { w.faults--; w.store = Store{} })
	}
	if w.faults > 0 && w.store.Limit.Known && !w.away {
		add("Redis evicts the limit", func(w *world) {
			w.faults--
			marked := w.store.Marked
			w.store.Limit = Store{}.Limit
			w.store.Marked = marked
		})
	}
	if w.faults > 0 && !w.away {
		add("Redis goes away", func(w *world) { w.faults--; w.away = true })
		add("the clock of Redis steps forward", func(w *world) { w.faults--; w.store.age(bound + window) })
	}
	if w.away {
		add("Redis is back", func(w *world) { w.away = false })
	}
	return all
}

// tick lets time go by.
func (w *world) tick() {
	w.store.age(1)
	copy(w.arrived[1:], w.arrived[:window-1])
	w.arrived[0] = 0
	for i := range fleet {
		p := &w.programs[i]
		p.session.Sent = max(p.session.Sent-unit, -old)
		p.lease = max(p.lease-1, -old)
		copy(p.spent[:], p.spent[1:])
		p.spent[window-1] = 0
		if p.last && p.session.Sent <= -bound {
			p.last = false // it never arrives
		}
		if m := &w.calls[i]; m.Program >= 0 {
			m.began = max(m.began-1, -old)
		}
	}
	for k := range w.ghosts {
		if w.ghosts[k].Program >= 0 {
			w.ghosts[k].began = max(w.ghosts[k].began-1, -old)
		}
	}
}

// age makes everything that the store knows longer ago.
func (s *Store) age(ticks int) {
	s.Cleaned = 0 // who is forgotten is dead for long: not searched
	for _, t := range []*int{&s.Recovery, &s.Heard, &s.Base, &s.Limit.Held} {
		*t = max(*t-ticks, -old)
	}
	for i := range s.Program {
		s.Program[i].Heard = max(s.Program[i].Heard-ticks, -old)
	}
}

func (p *program) spend() { p.spent[window-1]++ }

func (w *world) die(i int) {
	w.faults--
	w.programs[i] = program{dead: true, last: w.programs[i].last, session: protocol.Session{Sent: w.programs[i].session.Sent}}
	if m := w.calls[i]; m.Program >= 0 {
		w.calls[i] = none
		w.haunt(m)
	}
}

// haunt keeps a call that nobody waits for, which may be carried out yet.
func (w *world) haunt(m message) {
	for k := range w.ghosts {
		if w.ghosts[k].Program < 0 {
			w.ghosts[k] = m
			return
		}
	}
}

func (w *world) call(i int, asks bool) {
	p := &w.programs[i]
	p.calls--
	if !asks {
		p.owned -= max(0, p.free())
	}
	n := p.session.Next(0)
	told := Record{Owned: p.session.Owns(int(p.owned)), N: tokens, Window: window}
	if asks {
		told.Need = transport.Classes{Normal: tokens}
	}
	w.calls[i] = message{Call: Call{
		Program: i, Number: n, Ago: int(n.Ago), Bound: bound, Named: true, Told: told,
	}}
}

// do has the store carry out a call.
func (w *world) do(m message, v variant) Reply {
	c := m.Call
	w.epochs++
	c.Seed = string('a' + rune(w.epochs))
	before := w.store
	switch v {
	case noNumbers:
		w.store.Program[c.Program].Seq = -1
		c.Heard = 0
	case anyEpoch:
		if w.store.Known {
			c.Epoch = w.store.Epoch
		}
	case earlyDeath:
		for i := range w.store.Limit.Record {
			w.store.Limit.Record[i].Window = 0
		}
	case toldIsTrue:
		if r := &w.store.Limit.Record[c.Program]; r.Known {
			r.Owned = max(r.Owned, c.Told.Owned)
		}
	}
	r := w.store.Do(0, c)
	if w.store.Epoch != before.Epoch {
		switch v {
		case noRecovery:
			w.store.Recovery = 0
		case shortRecovery:
			w.store.Recovery = 1
		}
	} else {
		w.epochs--
	}
	return r
}

// heed is what member and fleet do with an answer.
func (w *world) heed(i int, m message, r Reply) {
	p := &w.programs[i]
	switch r.Status {
	case "epoch":
		p.session.Enter(r.Epoch)
		p.lease = max(p.lease, m.began+int8(p.session.Left(time.Duration(m.began), bound)))
	case "stale": // another id: not searched
		w.die(i)
		w.faults++
	default:
		p.session.Answered(m.Number, time.Duration(m.began))
		p.lease = m.began + int8(protocol.Lease(bound))
		p.owned = int8(r.Share.Owned)
	}
}

// alone is what they do without one.
func (p *program) alone(m message) {
	if p.session.Known {
		p.lease = max(p.lease, m.began+int8(p.session.Alone(time.Duration(m.began), bound)))
	}
}

// bad returns what must not be.
func (w *world) bad() string {
	n := int8(0)
	for _, k := range w.arrived {
		n += k
	}
	if n > tokens {
		return fmt.Sprintf("%d requests arrive in a window, of %d", n, tokens)
	}
	return ""
}

// recovers reports whether a program that is left alone comes to own everything.
func (w world) recovers(i int) bool {
	w.faults, w.away, w.calls[i] = 0, false, none
	w.ghosts = [ghosts]message{none}
	for range 6 * bound {
		w.programs[i].calls = 9
		w.call(i, true)
		m := w.calls[i]
		w.calls[i] = none
		w.heed(i, m, w.do(m, sound))
		if w.programs[i].owned == tokens {
			return true
		}
		w.tick()
	}
	return false
}

// beginning is a world in which nobody knows anything yet.
func beginning(faults, calls int8) world {
	w := world{faults: faults, ghosts: [ghosts]message{none}, calls: [fleet]message{none, none}}
	for i := range fleet {
		w.programs[i] = program{calls: calls, lease: -1, session: protocol.Session{Sent: -old}}
	}
	return w
}

// search goes through the states in the order of the steps that it takes to come to
// them, as long as there are no more than so many, and returns how many there are,
// after how many steps, and the shortest way to a bad one.
func search(v variant, faults, calls int8, most int, check func(world)) (found, steps int, way []string, what string) {
	first := beginning(faults, calls)
	type node struct {
		w   world
		way string
	}
	seed := maphash.MakeSeed()
	seen := map[uint64]struct{}{maphash.Comparable(seed, first): {}}
	level := []node{{first, ""}}
	for ; len(level) > 0; steps++ {
		var next []node
		for _, n := range level {
			for _, s := range n.w.next(v) {
				key := maphash.Comparable(seed, s.w)
				if _, known := seen[key]; known {
					continue
				}
				if len(seen) == most {
					return most, steps, nil, ""
				}
				seen[key] = struct{}{}
				way := n.way + s.name + "\n"
				if what := s.w.bad(); what != "" {
					return len(seen), steps + 1, strings.Split(strings.TrimSpace(way), "\n"), what
				}
				if check != nil {
					check(s.w)
				}
				next = append(next, node{s.w, way})
			}
		}
		level = next
	}
	return len(seen), steps, nil, ""
}

// No order of calls, losses, deaths, freezes and outages brings more than N requests
// into a window; and from every state, a program that is left alone comes to own all.
func TestNoOrderOfEventsExceedsTheLimit(t *testing.T) {
	for faults := range int8(3) {
		n, stuck := 0, 0
		found, steps, way, what := search(sound, faults, 4, *states, func(w world) {
			if n++; n%97 == 0 && !w.programs[0].dead && !w.recovers(0) {
				stuck++
			}
		})
		t.Logf("%d states: every order of %d steps with at most %d faults", found, steps, faults)
		if what != "" {
			t.Errorf("%s:\n%s", what, strings.Join(way, "\n"))
		}
		if stuck > 0 {
			t.Errorf("from %d states a program that is left alone does not come to own all tokens", stuck)
		}
	}
}

// walk goes a long way at random, and returns it if it ends badly.
func walk(v variant, seed uint64) (way []string, what string) {
	r := rand.New(rand.NewPCG(seed, 7))
	w := beginning(4, 30)
	for range 300 {
		all := w.next(v)
		s := all[r.IntN(len(all))]
		if s.w.faults < w.faults && r.IntN(8) > 0 {
			continue // seldom: there are so few
		}
		w = s.w
		way = append(way, s.name)
		if what := w.bad(); what != "" {
			return way, what
		}
	}
	return nil, ""
}

// Long ways are walked at random: more faults, more calls, more steps than a search
// can try.
func TestNoWalkExceedsTheLimit(t *testing.T) {
	for seed := range uint64(*states / 20) {
		if way, what := walk(sound, seed); what != "" {
			t.Fatalf("%s:\n%s", what, strings.Join(way, "\n"))
		}
	}
}

// The search finds what is wrong with protocols that are known to be.
func TestSearchFindsWhatIsWrong(t *testing.T) {
	for _, v := range []variant{noNumbers, noRecovery, shortRecovery, lateAnswer, anyEpoch, noLease, earlyDeath, toldIsTrue} {
		t.Run(string(v), func(t *testing.T) {
			for seed := range uint64(*states) {
				if way, what := walk(v, seed); what != "" {
					t.Logf("%s, on walk %d:\n%s", what, seed, strings.Join(way, "\n"))
					return
				}
			}
			t.Error("nothing was found")
		})
	}
}
