package bucket

import (
	"math"
	"time"
)

// A reserve of R tokens lets a favoured class of requests go at once whenever
// it comes, up to R in any window, without keeping R tokens idle.
//
// What has to be held back for it now is only what it can need before enough
// spent tokens have come back: if the j-th return is due at r(j), the favoured
// class can have used R·(r(j)−now)/W by then, beyond a margin for arrivals that
// are not even, and j tokens have come back to meet that. So others may go as
// long as for every j
//
//	free − 1 + j ≥ margin + R·(r(j)−now)/W
//
// and nobody ever has to hold back more than R. Right after a burst, with the
// next return a window away, that keeps the whole reserve; while returns come
// in evenly it keeps little more than the margin, and the rest is used.

// reserveMargin is the part of a reserve that is held back as long as there is
// any: with 200 in 1000 it lets twenty favoured requests come at one moment.
const reserveMargin = 0.1

// reserveSteps bounds how many returns are looked at: between two of them the
// answer is at most 1/64 of the limit off, to the side that holds back more.
const reserveSteps = 64

// Short returns how many tokens are missing now for a request that may not
// touch a reserve of the given size. Zero or less: it may go.
func (w *Window) Short(now time.Duration, reserve int) float64 {
	r := float64(reserve)
	free := float64(w.Free(now))
	held := 0.0
	n := w.returns.len()
	step := max(1, n/reserveSteps)
	for j := 0; j < n; j += step {
		due := w.returns.at(min(j+step-1, n-1))
		held = max(held, r*w.fraction(due-now)-float64(j))
	}
	held = max(held, r-float64(n)) // all that is on its way is back in a window
	return 1 + min(r, held+math.Ceil(r*reserveMargin)) - free
}

// Enough returns the earliest moment at which a request that may not touch a
// reserve can go: what is held back shrinks by R in a window, and every return
// adds one. It is a lower bound, taken as if all answers came at once.
func (w *Window) Enough(now time.Duration, reserve int) time.Duration {
	short := w.Short(now, reserve)
	if short <= 0 {
		return now
	}
	at := now + max(1, time.Duration(math.Ceil(short/float64(max(reserve, 1))*float64(w.period))))
	if w.returns.len() > 0 {
		at = min(at, w.returns.at(0))
	}
	return at
}

// Look returns when to look again for a request that is short of a token now, if
// nothing is spent or settled until then. It never polls: there are at most two
// looks for each return, token spent, or answer, and one a window where there is
// none of them. For where what is held back shrinks with time, Enough is exact but
// for a rounding error, which the second look makes good; and where it does not,
// because too few tokens are on their way back, it is the next return that is
// waited for.
func (w *Window) Look(now time.Duration, reserve int) time.Duration {
	r, n := float64(reserve), w.returns.len()
	if 1+min(r, r-float64(n)+math.Ceil(r*reserveMargin)) > float64(w.Free(now)) {
		return w.When(now, max(0, w.Free(now)), 0, 0)
	}
	return w.Enough(now, reserve)
}

func (w *Window) fraction(d time.Duration) float64 {
	return min(1, float64(d)/float64(w.period))
}
