// Package bucket keeps a client within a limit of N requests in any window of length W.
//
// A [Window] holds N tokens. A spent token comes back W after the answer arrived. That
// suffices: let a request reach the server at s, so sent ≤ s ≤ answered. The next
// request to spend its token is sent no earlier than answered + W, and so reaches the
// server no earlier than s + W. Two arrivals on one token are therefore at least W
// apart, and N tokens make at most N arrivals in any half-open window of length W,
// wherever it begins and whatever the latency. A server with a fixed window, a sliding
// log or a token bucket accepts all of them.
//
// By contrast, a token bucket of capacity N that refills at N/W allows 2N−1 requests in
// its first window, and counting from the time of sending lets requests bunch up on the
// way.
//
// Time is an argument everywhere: now is the monotonic time since a fixed moment of the
// caller's choice, never negative. Nothing here locks or waits, nor allocates once the
// ring has grown to what the traffic needs.
package bucket

import (
	"math"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/saturating"
)

// Window is a bucket of tokens that come back one window after their answer. Call Take
// for each request sent, and then Settle or Cancel. It is not safe for concurrent use:
// the caller holds a lock around it. The zero value has no tokens; use [New].
type Window struct {
	limit    int
	keep     int // tokens beyond it leave when they come back
	period   time.Duration
	inFlight int
	returns  ring // when spent tokens come back, earliest first
}

// New returns a full bucket of limit tokens (at least 1) for windows of length period.
func New(limit int, period time.Duration) Window {
	return Window{limit: max(limit, 1), keep: math.MaxInt, period: period}
}

// Limit returns the number of tokens and the length of the window.
func (w *Window) Limit() (n int, period time.Duration) { return w.limit, w.period }

// Ready reports whether a token is free.
func (w *Window) Ready(now time.Duration) bool { return w.Free(now) > 0 }

// Resize changes the number of tokens and the length of the window, as for a program
// that owns a varying part of a limit. If more tokens are spent than remain, none is
// free until enough have come back. If the window grows, tokens on their way back come
// later.
func (w *Window) Resize(limit int, period time.Duration) {
	if period != w.period {
		w.returns.shift(period - w.period)
	}
	w.limit, w.period = limit, period
}

// Keep makes tokens leave the bucket as they come back, until only keep are left. Free
// tokens stay.
func (w *Window) Keep(keep int) { w.keep = keep }

// Free returns how many tokens can be taken now. It is negative if more are spent than
// there are.
func (w *Window) Free(now time.Duration) int {
	if back := w.returns.dropUntil(now); back > 0 && w.limit > w.keep {
		w.limit -= min(back, w.limit-w.keep)
	}
	return w.limit - w.inFlight - w.returns.len()
}

// InFlight returns how many tokens are held by requests without an answer.
func (w *Window) InFlight() int { return w.inFlight }

// Take spends a token on a request that is sent now. Ready(now) must be true.
func (w *Window) Take(time.Duration) { w.inFlight++ }

// Settle records that the answer to a request, or its failure, arrived now: its token is
// free again at now + W. (An abandoned request may reach the server even later. No
// bucket can know that; the gate handles it.)
func (w *Window) Settle(now time.Duration) {
	w.inFlight--
	w.returns.push(saturating.Add(now, w.period))
}

// Cancel returns the token of a request that certainly never left, at once.
func (w *Window) Cancel() { w.inFlight-- }

// When estimates when a request with ahead others before it gets a token, if those are
// sent as soon as they can be. It counts spare tokens as free. It is exact if fewer
// requests are ahead than tokens are not in flight. Otherwise the token must come from
// an answer that has not arrived, and depends on the latency; a latency of 0 gives a
// lower bound, which only a [Window.Cancel] can beat.
func (w *Window) When(now time.Duration, ahead, spare int, latency time.Duration) time.Duration {
	n, free := w.limit+spare, w.Free(now)+spare
	if n <= 0 {
		return now // nothing is known of tokens that others own
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

// Idle reports whether all tokens are free, so that a new bucket would behave the same.
func (w *Window) Idle(now time.Duration) bool { return w.Free(now) == w.limit }
