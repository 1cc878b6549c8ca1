package model

import (
	"flag"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var states = flag.Int("states", 20_000, "how many `states` each search visits at most; 2500000 are all those of two programs without faults")

// found is the result of a search.
type found struct {
	states, steps int
	all           bool // there are no more states
	bad           string
	trace         []event // the events that lead to bad
}

func (f found) String() string {
	what := "every order of %d events"
	if f.all {
		what = "all that can be reached, in at most %d events"
	}
	return fmt.Sprintf("%d states: "+what, f.states, f.steps)
}

func story(trace []event) string {
	var lines []string
	for _, e := range trace {
		lines = append(lines, e.String())
	}
	return strings.Join(lines, "\n")
}

var seed = maphash.MakeSeed()

// key returns the same hash for worlds that differ only in the order of programs.
func (w *world) key() uint64 {
	type part struct {
		program
		known       known
		call, ghost message
	}
	all := *w
	all.programs, all.calls, all.store.programs = [Programs]program{}, [Programs]message{}, memory{}.programs
	all.ghost.program = 0
	key := maphash.Comparable(seed, all)
	for i := range w.size {
		p := part{program: w.programs[i], known: w.store.programs[i], call: w.calls[i]}
		if w.ghost.program == i {
			p.ghost = w.ghost
		}
		p.call.program, p.ghost.program = 0, 0
		key += maphash.Comparable(seed, p)
	}
	return key
}

// search visits the worlds that can be reached, in the order of the number of events,
// until there are so many or one is bad.
func search(v variant, first world, most int, check func(world)) found {
	type node struct {
		before int32
		event  event
	}
	type place struct {
		world
		node int32
	}
	nodes := []node{{}}
	seen := map[uint64]struct{}{first.key(): {}}
	level := []place{{first, 0}}
	var end *found
	for steps := 0; ; steps++ {
		if len(level) == 0 {
			return found{states: len(nodes), steps: steps - 1, all: true}
		}
		var next []place
		for _, at := range level {
			at.each(v, func(e event, w world) {
				if end != nil {
					return
				}
				key := w.key()
				if _, known := seen[key]; known {
					return
				}
				if len(nodes) >= most {
					end = &found{states: most, steps: steps}
					return
				}
				seen[key] = struct{}{}
				nodes = append(nodes, node{at.node, e})
				if what := w.bad(v); what != "" {
					end = &found{states: len(nodes), steps: steps + 1, bad: what}
					for n := len(nodes) - 1; n > 0; n = int(nodes[n].before) {
						end.trace = append(end.trace, nodes[n].event)
					}
					slices.Reverse(end.trace)
					return
				}
				if check != nil {
					check(w)
				}
				next = append(next, place{w, int32(len(nodes) - 1)})
			})
			if end != nil {
				return *end
			}
		}
		level = next
	}
}

// walk takes many random events, until the world is bad. Each walk has its own
// preferences among events, so that many walks reach many places (swarm testing).
func walk(v variant, w world, r *rand.Rand) (trace []event) {
	var likes [clockBack + 1][Programs]int
	for i := range likes {
		for k := range likes[i] {
			likes[i][k] = 8 << r.IntN(7)
			switch happening(i) {
			case spendsAndDies, dies, carriedOutTwice, givenUp, forgets, evicts, goesAway, clockForward, clockBack:
				likes[i][k] = 1 << r.IntN(7) // few faults are allowed
			}
		}
	}
	type step struct {
		event
		world
	}
	var all []step
	for range 100 {
		all = all[:0]
		sum := 0
		w.each(v, func(e event, w world) {
			all = append(all, step{e, w})
			sum += likes[e.what][e.program]
		})
		at, k := r.IntN(sum), 0
		for ; at >= likes[all[k].what][all[k].program]; k++ {
			at -= likes[all[k].what][all[k].program]
		}
		w = all[k].world
		trace = append(trace, all[k].event)
		if w.bad(v) != "" {
			return trace
		}
	}
	return nil
}

// follow replays events as far as possible and returns what is bad at the end.
func follow(v variant, w world, trace []event) string {
	for _, next := range trace {
		w.each(v, func(e event, n world) {
			if e == next {
				w, next.what = n, -1
			}
		})
		if next.what >= 0 {
			return ""
		}
	}
	return w.bad(v)
}

// shorten removes the events without which the end is still bad.
func shorten(v variant, first world, trace []event) []event {
	for i := 0; i < len(trace); i++ {
		without := slices.Concat(trace[:i], trace[i+1:])
		if follow(v, first, without) != "" {
			trace, i = without, -1
		}
	}
	return trace
}

// No order of events brings more than N requests into a window, and from every state
// a program comes to own all tokens when the others do nothing.
func TestNoOrderOfEventsExceedsTheLimit(t *testing.T) {
	for _, c := range []struct{ programs, tokens, window, faults int8 }{
		{2, 1, 1, 0}, {2, 1, 1, 1}, {2, 1, 1, 2}, {2, 1, 2, 1}, {2, 2, 1, 1}, {2, 1, 1, 4}, {3, 1, 1, 1}, {3, 2, 1, 2},
	} {
		for name, begin := range map[string]func(programs, tokens, window, faults int8) world{"cold": cold, "warm": warm} {
			t.Run(fmt.Sprintf("%+v %s", c, name), func(t *testing.T) {
				t.Parallel()
				n, stuck := 0, 0
				got := search(sound, begin(c.programs, c.tokens, c.window, c.faults), *states, func(w world) {
					if n++; n%97 == 0 && !w.programs[0].dead && !w.recovers(0) {
						stuck++
					}
				})
				t.Log(got)
				if got.bad != "" {
					t.Errorf("%s:\n%s", got.bad, story(got.trace))
				}
				if stuck > 0 {
					t.Errorf("from %d states a program does not come to own all tokens when the others do nothing", stuck)
				}
			})
		}
	}
}

// swarm makes random walks until one ends badly, and returns that one shortened.
func swarm(v variant, walks int, begin func(*rand.Rand) world) (walked int, first world, trace []event) {
	r := rand.New(rand.NewPCG(1, 7))
	for n := range walks {
		first = begin(r)
		if trace := walk(v, first, r); trace != nil {
			return n + 1, first, shorten(v, first, trace)
		}
	}
	return walks, first, nil
}

// anywhere returns a random first world.
func anywhere(r *rand.Rand) world {
	begin := warm
	if r.IntN(4) == 0 {
		begin = cold
	}
	return begin(2+int8(r.IntN(2)), 1+int8(r.IntN(2)), []int8{1, 2, longest}[r.IntN(3)], int8(r.IntN(5)))
}

// Random walks go further than a search can.
func TestNoWalkExceedsTheLimit(t *testing.T) {
	t.Parallel()
	if n, first, trace := swarm(sound, *states/4, anywhere); trace != nil {
		t.Fatalf("%s, on walk %d from\n%+v\n%s", follow(sound, first, trace), n, first, story(trace))
	}
}

// Known defects are found. If one takes many events, the walks start where it can
// happen.
func TestSearchFindsWhatIsWrong(t *testing.T) {
	from := func(first world) func(*rand.Rand) world { return func(*rand.Rand) world { return first } }
	for v, begin := range map[variant]func(*rand.Rand) world{
		noNumbers: anywhere, noRecovery: anywhere, shortRecovery: anywhere, noLease: anywhere, lateLease: anywhere, earlyDeath: anywhere, risenDead: anywhere,
		anyEpoch: from(warm(2, 1, longest, 2)), lateAnswer: from(warm(3, 2, 1, 2)),
	} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			n, first, trace := swarm(v, 200_000, begin)
			if trace == nil {
				t.Fatal("the defect was not found")
			}
			t.Logf("%s, on walk %d:\n%s", follow(v, first, trace), n, story(trace))
		})
	}
}

// The search for two programs and one fault found this after 25 million states: a
// program that was frozen, and taken for dead, finds Redis away just when it goes on.
func TestThawedProgramWaitsForRedis(t *testing.T) {
	var trace []event
	add := func(program int8, all ...happening) {
		for _, what := range all {
			trace = append(trace, event{what, program})
		}
	}
	add(0, tick, tick)
	add(1, asks, carriedOut)
	add(0, tick, tick, tick)
	add(1, answered, asks, carriedOut)
	add(0, tick, tick, asks)
	add(1, answered, asks, carriedOut, answered)
	add(0, goesAway, givenUp)
	first := warm(2, 1, 1, 1)
	if follow(thawed, first, trace) == "" {
		t.Error("the search does not find a frozen program that goes on")
	}
	if bad := follow(sound, first, trace); bad != "" {
		t.Error(bad)
	}
}
