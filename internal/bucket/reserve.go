package bucket

import (
	"math"
	"time"
)

// A reserve of R tokens lets the requests of a favored class go at once, up to R in any
// window, without keeping R tokens idle.
//
// It only has to hold back what the class can need before enough spent tokens have come
// back. If the j-th return is due at r(j), the class can have used R·(r(j)−now)/W by
// then, plus a margin for uneven arrivals, and j tokens have come back to cover it. So
// another request may go if for every j
//
//	free − 1 + j ≥ margin + R·(r(j)−now)/W
//
// and no more than R is ever held back. Right after a burst, with the next return a
// window away, that holds back the whole reserve; while returns come evenly it holds
// back little more than the margin, and the rest is used.

// reserveMargin is the fraction of a reserve that is always held back: with 200 of 1000
// tokens reserved, twenty favored requests can arrive at the same time.
const reserveMargin = 0.1

// reserveSteps bounds how many returns are examined. Skipping those in between errs by
// at most 1/64 of the limit, on the side of holding back more.
const reserveSteps = 64

// Short returns how many tokens are missing now for a request that may not use a reserve
// of the given size. If it is zero or less, the request may go.
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
	held = max(held, r-float64(n)) // after a window, all n are back
	return 1 + min(r, held+math.Ceil(r*reserveMargin)) - free
}

// Enough returns the earliest time at which a request that may not use a reserve can go:
// what is held back shrinks by R per window, and every return adds a token. It is a
// lower bound, as if answers took no time.
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

// Look returns when to check again for a request that is short of a token now, if none
// is spent or settled before. This is not polling: there are at most two checks for each
// return, token spent or answer, and one per window without any. For if the tokens held
// back shrink with time, Enough is exact up to a rounding error, which the second check
// makes good; and if they do not, because too few tokens are on their way back, Look
// waits for the next return.
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
