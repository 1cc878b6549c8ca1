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
}

// Divide divides n tokens fairly: what better classes need comes first, but for a
// turn in eleven, as in a program's own lines; each class leaves its reserve to
// better ones; and within a class, nobody gets more than he needs, or more than
// another who goes without (max-min fairness). A program that is alone keeps the
// reserve itself. It is what a [transport.Budget] is expected to do, as the oracle
// of those that do it elsewhere.
func Divide(n int, reserve transport.Classes, private bool, programs []Holding) Division {
	var needs [3][]int
	var need, turn [3]int
	var keep, part [3]int // levels: nobody keeps, or gets, more of a class
	owned := 0
	for _, p := range programs {
		for class, k := range classesOf(p.Need) {
			needs[class] = append(needs[class], k)
			need[class] += k
		}
		owned += p.Owned
	}
	if len(programs) == 1 {
		reserve = transport.Classes{}
	}
	for class := 1; class < 3; class++ {
		turn[class] = min(need[class], n/11)
	}
	interactive := min(need[0], n-turn[1]-turn[2])
	normal := min(need[1], max(turn[1], n-max(interactive, reserve.Normal)-turn[2]))
	batch := min(need[2], max(turn[2], n-max(interactive+normal, reserve.Batch, reserve.Normal+normal)))
	d := Division{Spare: true}
	for class, all := range [3]int{interactive, normal, batch} {
		keep[class], part[class] = fill(all, needs[class])
		d.Spare = d.Spare && all >= need[class]
	}
	unmet := max(0, reserve.Normal-interactive, reserve.Batch-interactive-normal)
	for i, p := range programs {
		parts, keeps := 0, 0
		for class := range 3 {
			parts += min(needs[class][i], part[class])
			keeps += min(needs[class][i], keep[class])
		}
		d.Parts, d.Keeps = append(d.Parts, parts), append(d.Keeps, keeps)
		unmet += max(0, parts-p.Owned)
	}
	for i := range programs {
		switch {
		case private: // of no use for long
			d.Keeps[i] = 0
		case d.Spare && unmet <= n-owned: // nobody goes without
			d.Keeps[i] = math.MaxInt32
		}
	}
	return d
}

// fill returns the levels up to which everybody gets what he needs: rounded down,
// and up.
func fill(all int, needs []int) (down, up int) {
	sorted := slices.Clone(needs)
	slices.Sort(sorted)
	for i, k := range sorted {
		if share := len(sorted) - i; k*share > all {
			return all / share, (all + share - 1) / share
		}
		all -= k
	}
	return math.MaxInt32, math.MaxInt32
}

func classesOf(c transport.Classes) [3]int { return [3]int{c.Interactive, c.Normal, c.Batch} }
