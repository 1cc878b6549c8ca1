// Package served counts what the programs of a simulation were answered, and says how
// much of the limit they used and how evenly it was shared.
package served

import "time"

// Counts are the answers to some programs, by second. Use [New].
//
// Its methods look at a span of time, and at the programs that are given; at all where
// none is.
type Counts struct {
	perWindow          float64
	window             time.Duration
	accepted, rejected [][]int
}

// New returns empty counts of so many programs that share a limit, for a simulation of
// a given length.
func New(programs, limit int, window, length time.Duration) *Counts {
	c := &Counts{perWindow: float64(limit), window: window}
	for range programs {
		c.accepted = append(c.accepted, make([]int, length/time.Second+2))
		c.rejected = append(c.rejected, make([]int, length/time.Second+2))
	}
	return c
}

// Answer counts an answer to a program: a request that the server let through, or a 429.
func (c *Counts) Answer(program int, at time.Duration, accepted bool) {
	if accepted {
		c.accepted[program][at/time.Second]++
	} else {
		c.rejected[program][at/time.Second]++
	}
}

// Length is a span of time that has all in it.
func (c *Counts) Length() time.Duration { return time.Duration(len(c.accepted[0])) * time.Second }

// Got returns how many requests were let through.
func (c *Counts) Got(from, to time.Duration, programs ...int) int {
	return sum(c.accepted, from, to, programs)
}

// Met returns how many 429s there were.
func (c *Counts) Met(from, to time.Duration, programs ...int) int {
	return sum(c.rejected, from, to, programs)
}

// Per1000 returns how many 429s there were for every thousand requests that were let
// through.
func (c *Counts) Per1000(from, to time.Duration, programs ...int) float64 {
	return 1000 * float64(c.Met(from, to, programs...)) / float64(max(1, c.Got(from, to, programs...)))
}

// Share returns the part that was used of what other programs left of the limit.
func (c *Counts) Share(from, to time.Duration, programs ...int) float64 {
	got := c.Got(from, to, programs...)
	others := c.Got(from, to) - got
	return float64(got) / (c.perWindow*float64(to-from)/float64(c.window) - float64(others))
}

// Jain returns [Jain]'s index of what each program got.
func (c *Counts) Jain(from, to time.Duration, programs ...int) float64 {
	var parts []float64
	for _, p := range orAll(programs, len(c.accepted)) {
		parts = append(parts, float64(c.Got(from, to, p)))
	}
	return Jain(parts)
}

// Jain returns Jain's index of how evenly something is shared: 1 is perfectly even, 1/n
// is everything for one of n, and 0 is nothing for anybody.
func Jain(parts []float64) float64 {
	var sum, squares float64
	for _, x := range parts {
		sum += x
		squares += x * x
	}
	if squares == 0 {
		return 0
	}
	return sum * sum / (float64(len(parts)) * squares)
}

func sum(counts [][]int, from, to time.Duration, programs []int) (n int) {
	for _, p := range orAll(programs, len(counts)) {
		for _, x := range counts[p][from/time.Second : min(int(to/time.Second), len(counts[p]))] {
			n += x
		}
	}
	return n
}

func orAll(programs []int, n int) []int {
	if len(programs) == 0 {
		for p := range n {
			programs = append(programs, p)
		}
	}
	return programs
}
