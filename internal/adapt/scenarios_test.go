package adapt

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	seeds = flag.Int("seeds", 2, "how many runs with different random numbers each figure is the mean of")
	long  = flag.Bool("long", false, "play all scenarios, and turn the rules off")
)

const minute = time.Minute

// A figure is one result of a scenario, and its target.
type figure struct {
	name        string
	of          func(*results) float64
	least, most float64
}

func atLeast(name string, least float64, of func(*results) float64) figure {
	return figure{name, of, least, math.Inf(1)}
}

func atMost(name string, most float64, of func(*results) float64) figure {
	return figure{name, of, math.Inf(-1), most}
}

// steady returns the figures of programs (none: all) from the second minute on.
func steady(per1000, share, jain float64, programs ...int) []figure {
	return []figure{
		atMost("429 per 1000", per1000, func(r *results) float64 { return r.Per1000(minute, r.length, programs...) }),
		atLeast("share", share, func(r *results) float64 { return r.Share(minute, r.length, programs...) }),
		atLeast("Jain", jain, func(r *results) float64 { return r.Jain(minute, r.length, programs...) }),
	}
}

func refused(most float64) figure {
	return atMost("refused", most, func(r *results) float64 { return float64(r.refused) })
}

// rolling returns n programs that are replaced one after another by new ones.
func rolling(n, callers int, every time.Duration) (all []program) {
	for i := range n {
		at := 2*minute + time.Duration(i)*every
		all = append(all, program{callers: callers, until: at}, program{callers: callers, from: at})
	}
	return all
}

// joined returns n programs, and one that joins them after three minutes.
func joined(n, callers int) []program {
	return append(repeat(n, program{callers: callers}), program{callers: callers, from: 3 * minute})
}

type scene struct {
	name string
	scenario
	figures []figure
	short   bool // played without -long too
}

// scenes are the project's targets for the learner, and checks of what its rules are
// for. A figure without a target is bounded by its value if a rule broke.
func scenes() []scene {
	saturated := func(n, callers int) []program { return repeat(n, program{callers: callers}) }
	// The joiner's part of an even share, and the 429s, in the ten minutes after it
	// joined.
	joins := func(n int, most, per1000 float64) []figure {
		return []figure{
			atMost("429 per 1000", per1000, func(r *results) float64 { return r.Per1000(3*minute, 13*minute) }),
			atLeast("share", 0.90, func(r *results) float64 { return r.Share(3*minute, 13*minute) }),
			atMost("fair shares of the joiner", most, func(r *results) float64 {
				return float64((n+1)*r.Got(8*minute, 13*minute, n)) / float64(r.Got(8*minute, 13*minute))
			}),
		}
	}
	rolled := func(per1000, share float64) []figure {
		return []figure{
			atMost("429 per 1000", per1000, func(r *results) float64 { return r.Per1000(minute, 10*minute) }),
			atLeast("share", share, func(r *results) float64 { return r.Share(minute, 10*minute) }),
		}
	}
	took := func(most float64) figure {
		return atMost("seconds", most, func(r *results) float64 { return r.last.Seconds() })
	}
	stranger := program{bare: true, calls: 1}
	return []scene{
		{"one foreign request, 300 calls, development", scenario{limit: 100, length: 2 * minute,
			programs: []program{{calls: 300, patience: minute}, stranger}}, []figure{refused(0), took(38)}, true},
		{"one foreign request, 150 calls, development", scenario{limit: 100, length: 2 * minute,
			programs: []program{{calls: 150, patience: minute}, stranger}}, []figure{refused(0), took(20)}, true},
		{"a foreign burst of a tenth, then saturated", scenario{limit: 1000, length: 2 * minute,
			programs: []program{{callers: 256, from: 100 * time.Millisecond}, {bare: true, calls: 100}}},
			[]figure{atLeast("share of the first minute", 0.85, func(r *results) float64 { return r.Share(0, minute, 0) })}, true},
		{"50/s with 5 s deadlines, one 429", scenario{limit: 1000, stray: 65 * time.Second, length: 4 * minute,
			programs: []program{{perSecond: 50, patience: 5 * time.Second}}}, []figure{refused(60)}, true},
		{"sixteen start together", scenario{limit: 1000, length: minute, programs: saturated(16, 64)},
			[]figure{atMost("429s in a minute", 1200, func(r *results) float64 { return float64(r.Met(0, minute)) })}, true},

		{"4 programs", scenario{limit: 1000, programs: saturated(4, 64)}, steady(0.5, 0.96, 0.99), true},
		{"16 programs", scenario{limit: 1000, programs: saturated(16, 64)}, steady(1.2, 0.95, 0.99), true},
		{"64 programs", scenario{limit: 1000, programs: saturated(64, 16)}, steady(8, 0.93, 0.97), false},
		{"8 programs, development", scenario{limit: 100, programs: saturated(8, 32)}, steady(5, 0.85, 0.95), false},
		{"4 programs, 4 endpoints", scenario{limit: 1000, endpoints: 4, programs: saturated(4, 64)}, steady(3, 0.80, 0.95), false},
		{"16 programs, 4 endpoints", scenario{limit: 1000, endpoints: 4, programs: saturated(16, 64)}, steady(7, 0.80, 0.95), false},
		{"4 programs, 4 endpoints counted apart", scenario{limit: 1000, endpoints: 4, perEndpoint: true, programs: saturated(4, 256)},
			steady(5, 3.2, 0.9), false},
		{"4 programs beside one that takes 0.4", scenario{limit: 1000,
			programs: append(saturated(4, 64), program{perSecond: 40, bare: true})}, steady(5, 0.88, 0.98, 0, 1, 2, 3), false},
		{"2 batch programs beside 2 normal ones", scenario{limit: 1000,
			programs: append(saturated(2, 64), repeat(2, program{callers: 64, yields: true})...)}, []figure{
			atMost("429 per 1000", 1, func(r *results) float64 { return r.Per1000(minute, 10*minute) }),
			atLeast("normal, of the limit", 0.80, func(r *results) float64 { return float64(r.Got(minute, 10*minute, 0, 1)) / 54_000 }),
			atLeast("batch, of the limit", 0.02, func(r *results) float64 { return float64(r.Got(minute, 10*minute, 2, 3)) / 54_000 }),
		}, true},
		{"4 batch programs", scenario{limit: 1000, programs: repeat(4, program{callers: 64, yields: true})}, steady(1.5, 0.4, 0.95), false},

		{"4 programs, no Retry-After", scenario{limit: 1000, blind: true, programs: saturated(4, 64)}, steady(5, 0.90, 0.95), true},
		{"4 programs, Retry-After 1", scenario{limit: 1000, blocks: time.Second, programs: saturated(4, 64)}, steady(1.2, 0.9, 0.95), false},
		{"16 programs, Retry-After 1", scenario{limit: 1000, blocks: time.Second, programs: saturated(16, 64)}, steady(2, 0.9, 0.95), false},
		{"4 programs, Retry-After 10", scenario{limit: 1000, blocks: 10 * time.Second, programs: saturated(4, 64)}, steady(4, 0.8, 0.95), false},
		{"16 programs, Retry-After 10", scenario{limit: 1000, blocks: 10 * time.Second, programs: saturated(16, 64)}, steady(6, 0.8, 0.95), false},
		{"4 programs, 400 ms", scenario{limit: 1000, roundTrip: 400 * time.Millisecond, programs: saturated(4, 64)}, steady(5, 0.88, 0.95), false},
		{"4 programs in bursts of 50", scenario{limit: 1000, programs: repeat(4, program{callers: 30, every: time.Second, burst: 50})},
			steady(6, 0.85, 0.9), false},
		{"4 programs in bursts of 20, at 0.8", scenario{limit: 1000, programs: repeat(4, program{callers: 20, every: time.Second, burst: 20})},
			steady(8, 0.7, 0.95), true},
		{"4 programs at random, at 0.8", scenario{limit: 1000, programs: repeat(4, program{callers: 20, every: time.Second})},
			steady(1, 0.75, 0.95), false},

		{"3 of 4 leave", scenario{limit: 1000, length: 10 * minute,
			programs: append(repeat(3, program{callers: 256, until: 5 * minute}), program{callers: 256})},
			[]figure{atMost("seconds", 260, func(r *results) float64 {
				for after := window; ; after += time.Second {
					if r.Got(5*minute+after-window, 5*minute+after, 3) >= 900 || after >= 5*minute {
						return after.Seconds()
					}
				}
			})}, false},
		{"a fifth joins 4", scenario{limit: 1000, length: 5 * minute, programs: joined(4, 64)},
			[]figure{atLeast("Jain from 90 to 120 s after", 0.9, func(r *results) float64 { return r.Jain(270*time.Second, 5*minute) })}, true},
		{"a sixteenth joins 15", scenario{limit: 1000, length: 13 * minute, programs: joined(15, 64)}, joins(15, 6, 6), false},
		{"one joins 63", scenario{limit: 1000, length: 13 * minute, programs: joined(63, 16)}, joins(63, 20, 16), false},
		{"rolling restart of 4", scenario{limit: 1000, programs: rolling(4, 64, 30*time.Second)}, rolled(8, 0.91), false},
		{"rolling restart of 4, 16 callers each", scenario{limit: 1000, programs: rolling(4, 16, 30*time.Second)}, rolled(3, 0.91), false},
		{"rolling restart of 16, 16 callers each", scenario{limit: 1000, programs: rolling(16, 16, 15*time.Second)}, rolled(24, 0.91), false},
	}
}

// figuresOf returns the means over the seeds, for each kind of server.
func (c scene) figuresOf(r *rules) (means [servers][]float64) {
	c.rules = r
	n := *seeds
	if c.limit <= 100 {
		n *= 3 // a few 429s matter there, and a run takes a tenth of the time
	}
	for a := range means {
		means[a] = make([]float64, len(c.figures))
		for seed := range n {
			r := c.play(algorithm(a), uint64(seed+1))
			for i, f := range c.figures {
				means[a][i] += f.of(r) / float64(n)
			}
		}
	}
	return means
}

// TestScenes prints the learner's figures, and checks their means over the three
// kinds of server.
//
//	go test ./internal/adapt -run TestScenes -long -seeds 12 -v
func TestScenes(t *testing.T) {
	for _, c := range scenes() {
		if !c.short && !*long {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			means := c.figuresOf(nil)
			for i, f := range c.figures {
				mean := (means[0][i] + means[1][i] + means[2][i]) / servers
				t.Logf("%-28s fixed %8.3f  sliding %8.3f  bucket %8.3f  mean %8.3f", f.name, means[0][i], means[1][i], means[2][i], mean)
				if mean < f.least || mean > f.most {
					t.Errorf("%s: %.3f, want from %.3f to %.3f", f.name, mean, f.least, f.most)
				}
			}
		})
	}
}

// TestWhatEachRuleIsWorth turns off one rule after another and prints which figures
// then miss their targets: at least one must.
//
//	go test ./internal/adapt -run TestWhatEachRuleIsWorth -long -v -timeout 60m
func TestWhatEachRuleIsWorth(t *testing.T) {
	if !*long {
		t.Skip("takes minutes: -long")
	}
	missed := func(r *rules) (all []string) {
		for _, c := range scenes() {
			means := c.figuresOf(r)
			for i, f := range c.figures {
				if mean := (means[0][i] + means[1][i] + means[2][i]) / servers; mean < f.least || mean > f.most {
					all = append(all, fmt.Sprintf("%s: %s %.3f", c.name, f.name, mean))
				}
			}
		}
		return all
	}
	name := func(s string) string { return s[:strings.LastIndex(s, " ")] }
	var before []string
	for _, s := range missed(nil) {
		before = append(before, name(s))
	}
	for _, off := range []struct {
		rule string
		turn func(*rules)
	}{
		{"the first event takes a fifth", func(r *rules) { r.entryCut = 0 }},
		{"an event takes a cut", func(r *rules) { r.plainCut = 0 }},
		{"an early event takes a cut, and doubles", func(r *rules) { r.earlyCut = 0 }},
		{"hold", func(r *rules) { r.hold = 0 }},
		{"climb", func(r *rules) { r.step = 0 }},
		{"youth", func(r *rules) { r.youth = 0 }},
		{"youth climbs by a step", func(r *rules) { r.youthStep = 0 }},
		{"an event right after a block goes with the last", func(r *rules) { r.rest = 0 }},
		{"a server that banks tokens", func(r *rules) { r.far = math.Inf(1) }},
		{"batch cuts deeper", func(r *rules) { r.yieldCut = 0 }},
		{"batch climbs later", func(r *rules) { r.yieldHold = 0 }},
	} {
		t.Run(off.rule, func(t *testing.T) {
			r := standard
			off.turn(&r)
			costs := slices.DeleteFunc(missed(&r), func(s string) bool { return slices.Contains(before, name(s)) })
			t.Logf("without it: %s", strings.Join(costs, "; "))
			if len(costs) == 0 {
				t.Error("the rule is worth nothing")
			}
		})
	}
}
