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

var states = flag.Int("states", 20_000, "how many states each search goes through; with 2,500,000, those without a fault are all there are")

// found is what a search came to.
type found struct {
	states, steps int
	all           bool // there are no more
	bad           string
	way           []event // to what is bad
}

func (f found) String() string {
	what := "every order of %d events"
	if f.all {
		what = "all that can come to be, in at most %d events"
	}
	return fmt.Sprintf("%d states: "+what, f.states, f.steps)
}

func story(way []event) string {
	var lines []string
	for _, e := range way {
		lines = append(lines, e.String())
	}
	return strings.Join(lines, "\n")
}

var seed = maphash.MakeSeed()

// key tells worlds apart, but for which program is which.
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

// search goes through the worlds that can come to be, in the order of the events that
// it takes, until there are so many or one is bad.
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
						end.way = append(end.way, nodes[n].event)
					}
					slices.Reverse(end.way)
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

// walk goes a long way at random, until it ends badly. Each walk has its own
// preferences among events, so that many walks go to many places (a swarm).
func walk(v variant, w world, r *rand.Rand) (way []event) {
	var likes [clockBack + 1][Programs]int
	for i := range likes {
		for k := range likes[i] {
			likes[i][k] = 8 << r.IntN(7)
			switch happening(i) {
			case spendsAndDies, dies, carriedOutTwice, givenUp, forgets, evicts, goesAway, clockForward, clockBack:
				likes[i][k] = 1 << r.IntN(7) // there are so few
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
		way = append(way, all[k].event)
		if w.bad(v) != "" {
			return way
		}
	}
	return nil
}

// follow goes a way, as far as it can be gone, and returns what is bad at its end.
func follow(v variant, w world, way []event) string {
	for _, next := range way {
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

// shorten leaves out of a way what it ends as badly without.
func shorten(v variant, first world, way []event) []event {
	for i := 0; i < len(way); i++ {
		without := slices.Concat(way[:i], way[i+1:])
		if follow(v, first, without) != "" {
			way, i = without, -1
		}
	}
	return way
}

// No order of events brings more than N requests into a window; and from every
// state, a program that is left alone comes to own all tokens.
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
					t.Errorf("%s:\n%s", got.bad, story(got.way))
				}
				if stuck > 0 {
					t.Errorf("from %d states a program that is left alone does not come to own all tokens", stuck)
				}
			})
		}
	}
}

// swarm walks so many long ways, until one ends badly, and returns its shortest form.
func swarm(v variant, walks int, begin func(*rand.Rand) world) (walked int, first world, way []event) {
	r := rand.New(rand.NewPCG(1, 7))
	for n := range walks {
		first = begin(r)
		if way := walk(v, first, r); way != nil {
			return n + 1, first, shorten(v, first, way)
		}
	}
	return walks, first, nil
}

// anywhere is a beginning at random.
func anywhere(r *rand.Rand) world {
	begin := warm
	if r.IntN(4) == 0 {
		begin = cold
	}
	return begin(2+int8(r.IntN(2)), 1+int8(r.IntN(2)), []int8{1, 2, longest}[r.IntN(3)], int8(r.IntN(5)))
}

// Long ways are walked at random: more steps than a search can try.
func TestNoWalkExceedsTheLimit(t *testing.T) {
	t.Parallel()
	if n, first, way := swarm(sound, *states/4, anywhere); way != nil {
		t.Fatalf("%s, on walk %d from\n%+v\n%s", follow(sound, first, way), n, first, story(way))
	}
}

// Protocols that are known to be bad are found to be. Where it takes many events, the
// walks begin where it can happen.
func TestSearchFindsWhatIsWrong(t *testing.T) {
	from := func(first world) func(*rand.Rand) world { return func(*rand.Rand) world { return first } }
	for v, begin := range map[variant]func(*rand.Rand) world{
		noNumbers: anywhere, noRecovery: anywhere, shortRecovery: anywhere, noLease: anywhere, lateLease: anywhere, earlyDeath: anywhere, risenDead: anywhere,
		anyEpoch: from(warm(2, 1, longest, 2)), lateAnswer: from(warm(3, 2, 1, 2)),
	} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			n, first, way := swarm(v, 200_000, begin)
			if way == nil {
				t.Fatal("nothing was found")
			}
			t.Logf("%s, on walk %d:\n%s", follow(v, first, way), n, story(way))
		})
	}
}

// The search for two programs and one fault found this after 25 million states: who was
// frozen, and taken for dead, finds Redis away just when it goes on.
func TestThawedProgramWaitsForRedis(t *testing.T) {
	var way []event
	add := func(program int8, all ...happening) {
		for _, what := range all {
			way = append(way, event{what, program})
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
	if follow(thawed, first, way) == "" {
		t.Error("where it goes on, that is not found to be wrong")
	}
	if bad := follow(sound, first, way); bad != "" {
		t.Error(bad)
	}
}
