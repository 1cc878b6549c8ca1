// Package served counts what a simulated server answered to each program, and
// computes how much of the limit the programs used and how evenly they shared it.
package served

import "time"

// Counts counts answers by program and second. Use [New].
//
// Its methods take a time span and count the given programs, or all if none is given.
type Counts struct {
	perWindow          float64
	window             time.Duration
	accepted, rejected [][]int
}

// New returns empty counts for a number of programs that share a limit, in a
// simulation of the given length.
func New(programs, limit int, window, length time.Duration) *Counts {
	c := &Counts{perWindow: float64(limit), window: window}
	for range programs {
		c.accepted = append(c.accepted, make([]int, length/time.Second+2))
		c.rejected = append(c.rejected, make([]int, length/time.Second+2))
	}
	return c
}

// Answer counts one answer to a program: accepted, or a 429.
func (c *Counts) Answer(program int, at time.Duration, accepted bool) {
	if accepted {
		c.accepted[program][at/time.Second]++
	} else {
		c.rejected[program][at/time.Second]++
	}
}

// Length is the time span that covers all answers.
func (c *Counts) Length() time.Duration { return time.Duration(len(c.accepted[0])) * time.Second }

// Got returns how many requests were accepted.
func (c *Counts) Got(from, to time.Duration, programs ...int) int {
	return sum(c.accepted, from, to, programs)
}

// Met returns how many 429s there were.
func (c *Counts) Met(from, to time.Duration, programs ...int) int {
	return sum(c.rejected, from, to, programs)
}

// Per1000 returns how many 429s there were per thousand accepted requests.
func (c *Counts) Per1000(from, to time.Duration, programs ...int) float64 {
	return 1000 * float64(c.Met(from, to, programs...)) / float64(max(1, c.Got(from, to, programs...)))
}

// Share returns how much the programs used of what the others left of the limit, as a
// fraction.
func (c *Counts) Share(from, to time.Duration, programs ...int) float64 {
	got := c.Got(from, to, programs...)
	others := c.Got(from, to) - got
	return float64(got) / (c.perWindow*float64(to-from)/float64(c.window) - float64(others))
}

// Jain returns Jain's index of the programs' accepted requests; see the function
// [Jain].
func (c *Counts) Jain(from, to time.Duration, programs ...int) float64 {
	var parts []float64
	for _, p := range orAll(programs, len(c.accepted)) {
		parts = append(parts, float64(c.Got(from, to, p)))
	}
	return Jain(parts)
}

// Jain returns Jain's fairness index: 1 if all parts are equal, 1/n if one of n has
// everything, and 0 if all are zero.
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
