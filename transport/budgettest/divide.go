package budgettest

import (
	"math"
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// Division is how the tokens of one limit are divided among programs. Use [Divide].
type Division struct {
	Window time.Duration // the longest that any program told

	told     []transport.Usage
	n, free  int
	private  bool
	reserve  snapshot.Classes
	left     snapshot.Classes // by them: a program that is alone keeps the reserve itself
	needs    [classes][]int   // by program
	need     [classes]int     // in all
	up, down [classes]int     // levels: no program gets more of a class, rounded up and down
	plenty   bool             // there are enough for all
	wanted   bool             // others want what is beyond a program's part
}

const classes = 3

// Divide divides the tokens of a limit fairly among the programs that draw on it, one
// or more, by what each has told. What better classes need comes first, but for a turn
// in eleven, as in a program's own lines; each class leaves its reserve to better ones;
// and within a class, no program gets more than it needs, or more than another that
// goes without (max-min fairness). Where programs tell different limits or reserves,
// the strictest holds: the fewest tokens, the longest window, the largest reserve.
//
// It is an oracle for tests of a [transport.Budget] that divides tokens elsewhere.
func Divide(told []transport.Usage) *Division {
	d := &Division{told: told, n: told[0].N, private: told[0].Private, plenty: true}
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
		d.left = d.reserve
	}
	got := d.perClass(d.need)
	for class, k := range d.need {
		d.down[class], d.up[class] = fill(got[class], d.needs[class])
		d.plenty = d.plenty && got[class] >= k
	}
	unmet := max(0, d.left.Normal-got[0], d.left.Batch-got[0]-got[1])
	for i, u := range told {
		unmet += max(0, d.part(i, d.up)-u.Owned)
	}
	d.wanted = !d.plenty || unmet > d.free
	return d
}

// part returns what a program gets of all classes up to the levels.
func (d *Division) part(program int, levels [classes]int) (n int) {
	for class, needs := range d.needs {
		n += min(needs[program], levels[class])
	}
	return n
}

// keep returns how many a program may go on owning: where tokens do not divide evenly,
// a few go round.
func (d *Division) keep(program int) int {
	switch {
	case d.private: // of no use for long
		return 0
	case !d.wanted:
		return all
	}
	return d.part(program, d.down)
}

// Share returns what one of the programs gets, by its place in what was told: gave
// says that it has just given tokens back, and grants that the Budget grants any at
// the moment.
func (d *Division) Share(program int, gave, grants bool) transport.Share {
	owned, most := d.told[program].Owned, d.part(program, d.up)
	s := transport.Share{Owned: owned, Part: d.could(program), Keep: d.keep(program), Window: d.Window}
	if gave && !d.private { // what goes round is another's turn
		most = min(most, max(owned, s.Keep))
	}
	if grants {
		s.Owned += max(0, min(most-owned, d.free))
	}
	if d.plenty {
		s.Part = max(s.Part, owned+d.free)
	}
	if need := d.told[program].Need; len(d.told) > 1 { // the pool has the rest
		s.Reserve.Normal = min(d.reserve.Normal, need.Interactive)
		s.Reserve.Batch = min(d.reserve.Batch, need.Interactive+need.Normal)
	} else {
		pool := d.free - (s.Owned - owned)
		s.Reserve.Normal, s.Reserve.Batch = max(0, d.reserve.Normal-pool), max(0, d.reserve.Batch-pool)
	}
	return s
}

// could returns how many tokens a program could come to own if it needed all, in the
// class that would get it most of those of which it needs any.
func (d *Division) could(program int) int {
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

// perClass returns what each class gets in all, if it needs so much.
func (d *Division) perClass(need [classes]int) [classes]int {
	turn := [classes]int{1: min(need[1], d.n/11), 2: min(need[2], d.n/11)}
	a := min(need[0], d.n-turn[1]-turn[2])
	b := min(need[1], max(turn[1], d.n-max(a, d.left.Normal)-turn[2]))
	return [classes]int{a, b, min(need[2], max(turn[2], d.n-max(a+b, d.left.Batch, d.left.Normal+b)))}
}

// fill returns the levels up to which every program gets what it needs: rounded down,
// and up.
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
