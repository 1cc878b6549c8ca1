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
)

// Window is a bucket of tokens that come back one window after their answer.
// It is not safe for concurrent use: the caller holds a lock around it. The
// zero value has no tokens; use [New].
type Window struct {
	limit    int
	period   time.Duration
	inFlight int
	returns  ring // when spent tokens come back, earliest first
}

// New returns a full bucket of limit tokens (at least 1) for windows of the
// given length.
func New(limit int, period time.Duration) Window {
	return Window{limit: max(limit, 1), period: period}
}

// Limit returns the number of tokens and the length of the window.
func (w *Window) Limit() (n int, period time.Duration) { return w.limit, w.period }

// Ready reports whether a token is free.
func (w *Window) Ready(now time.Duration) bool { return w.Free(now) > 0 }

// Free returns how many tokens can be taken at once.
func (w *Window) Free(now time.Duration) int {
	w.returns.dropUntil(now)
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
	w.returns.push(w.after(now, 1))
}

// Cancel gives the token of a request that surely never left back at once.
func (w *Window) Cancel() { w.inFlight-- }

// When returns the earliest moment at which a token can be free for a request
// that has ahead others before it, which are sent as soon as they can be. It is
// exact where fewer are ahead than there are tokens not in flight. Otherwise the
// token must come from an answer that is not in: then it is a lower bound, taken
// as if all answers came at once. Only a [Window.Cancel] can beat it.
func (w *Window) When(now time.Duration, ahead int) time.Duration {
	rounds, k := ahead/w.limit, ahead%w.limit
	free := w.Free(now)
	switch {
	case k < free:
		return w.after(now, rounds)
	case k < free+w.returns.len():
		return w.after(w.returns.at(k-free), rounds)
	default:
		return w.after(now, rounds+1)
	}
}

// after returns t + windows·W. A sum of centuries does not wrap into the past,
// where it would free a token at once.
func (w *Window) after(t time.Duration, windows int) time.Duration {
	if windows > 0 && w.period > (math.MaxInt64-t)/time.Duration(windows) {
		return math.MaxInt64
	}
	return t + time.Duration(windows)*w.period
}

// Idle reports whether the bucket is whole, so that a new one would behave the
// same.
func (w *Window) Idle(now time.Duration) bool { return w.Free(now) == w.limit }
