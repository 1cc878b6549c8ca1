package budgettest

import (
	"math"
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// Division is a division of one limit's tokens among programs. Use [Divide].
type Division struct {
	Window time.Duration // the longest that any program reported

	reports     []transport.Usage
	n, free     int
	private     bool
	reserve     snapshot.Classes
	poolReserve snapshot.Classes // what classes must leave in the pool; a lone program keeps its reserve itself
	needs       [classes][]int   // by class and program
	need        [classes]int     // by class
	up, down    [classes]int     // the most that a program gets of a class, rounded up and down
	plenty      bool             // there is enough for all
	contended   bool             // others need what a program owns beyond its part
}

const classes = 3

// Divide divides the tokens of a limit fairly among the programs that draw on it, one
// or more, by what each last reported. The need of higher classes comes first, except
// for one turn in eleven, as in a program's own lines. Each class leaves its reserve
// to higher ones. Within a class, no program gets more than it needs, or more than
// another whose need is unmet (max-min fairness). If programs report different limits
// or reserves, the strictest applies: the fewest tokens, the longest window, the
// largest reserve.
//
// It is an oracle for tests of a [transport.Budget] that divides tokens elsewhere.
func Divide(told []transport.Usage) *Division {
	d := &Division{reports: told, n: told[0].N, private: told[0].Private, plenty: true}
	owned := 0
	for _, u := range told {
		d.n, d.Window, owned = min(d.n, u.N), max(d.Window, u.Window), owned+u.Owned
		d.reserve.Normal, d.reserve.Batch = max(d.reserve.Normal, u.Reserve.Normal), max(d.reserve.Batch, u.Reserve.Batch)
		for class, k := range classesOf(u.Need) {
			d.needs[class] = append(d.needs[class], k)
			d.need[class] += k
		}
	}
	if d.free = d.n - owned; len(told) > 1 {
		d.poolReserve = d.reserve
	}
	got := d.perClass(d.need)
	for class, k := range d.need {
		d.down[class], d.up[class] = fill(got[class], d.needs[class])
		d.plenty = d.plenty && got[class] >= k
	}
	unmet := max(0, d.poolReserve.Normal-got[0], d.poolReserve.Batch-got[0]-got[1])
	for i, u := range told {
		unmet += max(0, d.part(i, d.up)-u.Owned)
	}
	d.contended = !d.plenty || unmet > d.free
	return d
}

// part returns what a program gets in all, with these levels.
func (d *Division) part(program int, levels [classes]int) (n int) {
	for class, needs := range d.needs {
		n += min(needs[program], levels[class])
	}
	return n
}

// keep returns how many tokens a program may keep owning. If tokens do not divide
// evenly, the remainder goes round.
func (d *Division) keep(program int) int {
	switch {
	case d.private: // not needed for long
		return 0
	case !d.contended:
		return all
	}
	return d.part(program, d.down)
}

// Share returns the share of the program with that index in the reports. gave says
// that it has just given tokens back; grants, that the Budget currently grants
// tokens.
func (d *Division) Share(program int, gave, grants bool) transport.Share {
	owned, most := d.reports[program].Owned, d.part(program, d.up)
	s := transport.Share{Owned: owned, Part: d.obtainable(program), Keep: d.keep(program), Window: d.Window}
	if gave && !d.private { // it is another's turn to get the remainder
		most = min(most, max(owned, s.Keep))
	}
	if grants {
		s.Owned += max(0, min(most-owned, d.free))
	}
	if d.plenty {
		s.Part = max(s.Part, owned+d.free)
	}
	if need := d.reports[program].Need; len(d.reports) > 1 { // the pool holds the rest
		s.Reserve.Normal = min(d.reserve.Normal, need.Interactive)
		s.Reserve.Batch = min(d.reserve.Batch, need.Interactive+need.Normal)
	} else {
		pool := d.free - (s.Owned - owned)
		s.Reserve.Normal, s.Reserve.Batch = max(0, d.reserve.Normal-pool), max(0, d.reserve.Batch-pool)
	}
	return s
}

// obtainable returns how many tokens a program could own if it needed all of them, in
// whichever of its classes that gives the most.
func (d *Division) obtainable(program int) int {
	part := d.part(program, d.up)
	could := part
	for class, needs := range d.needs {
		k, need := needs[program], d.need
		if k == 0 {
			continue
		}
		greedy := slices.Clone(needs)
		greedy[program], need[class] = all, all
		_, fair := fill(d.perClass(need)[class], greedy)
		could = max(could, min(d.n, part+fair-min(k, d.up[class])))
	}
	return could
}

// all is more than any limit has.
const all = math.MaxInt32

// perClass returns what each class gets in all for the given needs.
func (d *Division) perClass(need [classes]int) [classes]int {
	turn := [classes]int{1: min(need[1], d.n/11), 2: min(need[2], d.n/11)}
	a := min(need[0], d.n-turn[1]-turn[2])
	b := min(need[1], max(turn[1], d.n-max(a, d.poolReserve.Normal)-turn[2]))
	return [classes]int{a, b, min(need[2], max(turn[2], d.n-max(a+b, d.poolReserve.Batch, d.poolReserve.Normal+b)))}
}

// fill returns the level up to which every program's need is met, rounded down and
// up.
func fill(tokens int, needs []int) (down, up int) {
	sorted := slices.Clone(needs)
	slices.Sort(sorted)
	for i, k := range sorted {
		if share := len(sorted) - i; k*share > tokens {
			return tokens / share, (tokens + share - 1) / share
		}
		tokens -= k
	}
	return all, all
}

func classesOf(c snapshot.Classes) [classes]int {
	return [classes]int{c.Interactive, c.Normal, c.Batch}
}
