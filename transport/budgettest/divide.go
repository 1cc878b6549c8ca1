package budgettest

import (
	"math"
	"slices"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Holding is what one program owns and needs of a limit.
type Holding struct {
	Owned int
	Need  transport.Classes
}

// Division is how the tokens of a limit are divided among programs.
type Division struct {
	Parts []int // how many each may come to own
	Keeps []int // how many each may go on owning: where they do not divide evenly, a few go round
	Spare bool  // there are enough for everybody

	n, free  int
	private  bool
	programs []Holding
	reserve  transport.Classes
	left     transport.Classes // by them: a program that is alone keeps the reserve itself
	needs    [3][]int          // of each class, by program
	need     [3]int            // in all
	part     [3]int            // levels: nobody gets more of a class
}

// Divide divides n tokens fairly: what better classes need comes first, but for a
// turn in eleven, as in a program's own lines; each class leaves its reserve to
// better ones; and within a class, nobody gets more than he needs, or more than
// another who goes without (max-min fairness). It is what a [transport.Budget] is expected to do, as the oracle
// of those that do it elsewhere.
func Divide(n int, reserve transport.Classes, private bool, programs []Holding) Division {
	d := Division{Spare: true, n: n, free: n, private: private, programs: programs, reserve: reserve}
	for _, p := range programs {
		for class, k := range classesOf(p.Need) {
			d.needs[class] = append(d.needs[class], k)
			d.need[class] += k
		}
		d.free -= p.Owned
	}
	if len(programs) > 1 {
		d.left = reserve
	}
	got, keep := d.classes(d.need), [3]int{}
	for class, k := range d.need {
		keep[class], d.part[class] = fill(got[class], d.needs[class])
		d.Spare = d.Spare && got[class] >= k
	}
	unmet := max(0, d.left.Normal-got[0], d.left.Batch-got[0]-got[1])
	for i, p := range programs {
		parts, keeps := 0, 0
		for class := range 3 {
			parts += min(d.needs[class][i], d.part[class])
			keeps += min(d.needs[class][i], keep[class])
		}
		d.Parts, d.Keeps = append(d.Parts, parts), append(d.Keeps, keeps)
		unmet += max(0, parts-p.Owned)
	}
	for i := range programs {
		switch {
		case private: // of no use for long
			d.Keeps[i] = 0
		case d.Spare && unmet <= d.free: // nobody goes without
			d.Keeps[i] = all
		}
	}
	return d
}

// Could returns how many tokens a program could come to own if it needed all, in the
// class that would get it most of those of which it needs any.
func (d *Division) Could(program int) int {
	could := d.Parts[program]
	for class, needs := range d.needs {
		k, need := needs[program], d.need
		if k == 0 {
			continue
		}
		greedy := slices.Clone(needs)
		greedy[program], need[class] = all, all
		_, fair := fill(d.classes(need)[class], greedy)
		could = max(could, min(d.n, d.Parts[program]+fair-min(k, d.part[class])))
	}
	return could
}

// all is more than any limit has.
const all = math.MaxInt32

// Share returns what a program gets that has told what it owns, after it gave some
// back, or not, while the Budget grants tokens, or does not. Its window is not told.
func (d *Division) Share(program int, gave, grants bool) transport.Share {
	p, most := d.programs[program], d.Parts[program]
	s := transport.Share{Owned: p.Owned, Part: d.Could(program), Keep: d.Keeps[program]}
	if gave && !d.private { // what goes round is another's turn
		most = min(most, max(p.Owned, s.Keep))
	}
	if grants {
		s.Owned += max(0, min(most-p.Owned, d.free))
	}
	if d.Spare {
		s.Part = max(s.Part, p.Owned+d.free)
	}
	if len(d.programs) > 1 { // the pool has the rest
		s.Reserve.Normal = min(d.reserve.Normal, p.Need.Interactive)
		s.Reserve.Batch = min(d.reserve.Batch, p.Need.Interactive+p.Need.Normal)
	} else {
		pool := d.free - (s.Owned - p.Owned)
		s.Reserve.Normal, s.Reserve.Batch = max(0, d.reserve.Normal-pool), max(0, d.reserve.Batch-pool)
	}
	return s
}

// classes returns what each class gets in all, if it needs so much.
func (d *Division) classes(need [3]int) [3]int {
	turn := [3]int{1: min(need[1], d.n/11), 2: min(need[2], d.n/11)}
	a := min(need[0], d.n-turn[1]-turn[2])
	b := min(need[1], max(turn[1], d.n-max(a, d.left.Normal)-turn[2]))
	return [3]int{a, b, min(need[2], max(turn[2], d.n-max(a+b, d.left.Batch, d.left.Normal+b)))}
}

// fill returns the levels up to which everybody gets what he needs: rounded down,
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

func classesOf(c transport.Classes) [3]int { return [3]int{c.Interactive, c.Normal, c.Batch} }
