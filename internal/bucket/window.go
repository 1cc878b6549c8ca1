// Package bucket guards a limit of N requests in any window of length W, from
// the side of the sender.
//
// A token bucket of capacity N that refills at N/W lets 2N−1 requests through
// in its first window, and counting at the moment of sending lets requests
// bunch up on the way. [Window] does neither. It holds N tokens, and a token
// that was spent comes back W after its answer arrived. Why that is enough:
// let a request reach the server at s, so sent ≤ s ≤ answered. Whoever spends
// the same token again sends no earlier than answered + W, and so reaches the
// server no earlier than s + W. Two arrivals on one token are therefore at
// least W apart, and N tokens make at most N arrivals in any half-open window
// of length W, wherever it begins and whatever the latency was. A fixed
// window, a sliding log and a token bucket at the server all accept that.
//
// The time is an argument everywhere: "now" is the monotonic time since a
// moment that the caller fixes once, never negative. Nothing here locks or
// waits, nor allocates once the ring has grown to what the traffic needs.
package bucket

import (
	"math"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/saturating"
)

// Window is a bucket of tokens that come back one window after their answer.
// It is not safe for concurrent use: the caller holds a lock around it. The
// zero value has no tokens; use [New].
type Window struct {
	limit    int
	keep     int // tokens beyond it go when they come back
	period   time.Duration
	inFlight int
	returns  ring // when spent tokens come back, earliest first
}

// New returns a full bucket of limit tokens (at least 1) for windows of the
// given length.
func New(limit int, period time.Duration) Window {
	return Window{limit: max(limit, 1), keep: math.MaxInt, period: period}
}

// Limit returns the number of tokens and the length of the window.
func (w *Window) Limit() (n int, period time.Duration) { return w.limit, w.period }

// Ready reports whether a token is free.
func (w *Window) Ready(now time.Duration) bool { return w.Free(now) > 0 }

// Resize changes the number of tokens, as for a program that owns a varying part of
// a limit, and the length of the window. Where fewer are left than are spent, none
// is free until enough have come back; and in a longer window those on their way
// back come later.
func (w *Window) Resize(limit int, period time.Duration) {
	if period != w.period {
		w.returns.shift(period - w.period)
	}
	w.limit, w.period = limit, period
}

// Keep has tokens leave the bucket as they come back, until no more than keep are
// left of them. Those that are free stay.
func (w *Window) Keep(keep int) { w.keep = keep }

// Free returns how many tokens can be taken at once: none, or less, where more are
// spent than there are.
func (w *Window) Free(now time.Duration) int {
	if back := w.returns.dropUntil(now); back > 0 && w.limit > w.keep {
		w.limit -= min(back, w.limit-w.keep)
	}
	return w.limit - w.inFlight - w.returns.len()
}

// InFlight returns how many tokens are with requests that have no answer yet.
func (w *Window) InFlight() int { return w.inFlight }

// Take spends a token on a request that is sent now. The caller has seen
// Ready(now) report true.
func (w *Window) Take(time.Duration) { w.inFlight++ }

// Settle tells that the answer to a request, or its failure, arrived now: its
// token is free again at now + W. (A request that was given up may reach the
// server even later than that. No bucket can know; the gate is there for it.)
func (w *Window) Settle(now time.Duration) {
	w.inFlight--
	w.returns.push(saturating.Add(now, w.period))
}

// Cancel gives the token of a request that surely never left back at once.
func (w *Window) Cancel() { w.inFlight-- }

// When returns the moment at which a token can be expected for a request that has
// ahead others before it, which are sent as soon as they can be. Spare tokens are
// counted in as if they were free. It is exact where fewer are ahead than there are
// tokens not in flight. Otherwise the token must come from an answer that is not
// in, and so the moment depends on the latency: with 0, as if all answers came at
// once, it is a lower bound, which only a [Window.Cancel] can beat.
func (w *Window) When(now time.Duration, ahead, spare int, latency time.Duration) time.Duration {
	n, free := w.limit+spare, w.Free(now)+spare
	if n <= 0 {
		return now // of tokens that others own nothing is known
	}
	rounds, k, round := ahead/n, ahead%n, saturating.Add(w.period, latency)
	switch {
	case k < free:
		return saturating.AddTimes(now, rounds, round)
	case k < free+w.returns.len():
		return saturating.AddTimes(w.returns.at(k-free), rounds, round)
	default:
		return saturating.AddTimes(now, rounds+1, round)
	}
}

// Idle reports whether the bucket is whole, so that a new one would behave the
// same.
func (w *Window) Idle(now time.Duration) bool { return w.Free(now) == w.limit }
