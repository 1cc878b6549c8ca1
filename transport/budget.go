package transport

import (
	"context"
	"time"
)

// Budget holds the tokens of limits that several programs share. Each token is
// owned by one program at a time, or lies with the Budget; it changes hands only
// while it is free, that is one window after the answer to the request that spent
// it last. So a program sends what it owns tokens for without asking anybody, and
// all programs together keep to the limit in every window.
//
// Everything else (who waits, in which order, for how long, and what 429s teach) is
// decided in each program's Transport. A Budget only has to keep count.
type Budget interface {
	// Join enters a program, which owns nothing yet. Each Transport calls it once.
	Join() Member
}

// Member is one program's part in a [Budget].
type Member interface {
	// Exchange tells the Budget what the program owns and needs, and returns what
	// it owns from then on. Calls never overlap. An error means that what the
	// program owns holds no longer than it was said to: then its requests are
	// refused with [ReasonUnavailable]. A Budget that cannot be reached and
	// wants requests to go on returns an [Answer] with Err instead. Exchange
	// returns soon, whatever the network does: requests may wait for it.
	Exchange(context.Context, *Report) (*Answer, error)
}

// Report is what a program tells in an exchange. Whoever receives it may keep no
// part of it.
type Report struct {
	Limits []Usage
	// Complete says that Limits names every limit of which the program owns
	// anything.
	Complete bool
	// Blocks are what the server told this program since the last exchange that
	// was answered.
	Blocks []Block
}

// Usage is one limit in a [Report].
type Usage struct {
	*Limit
	// Owned is how many tokens the program owns, free or spent. What it owned
	// before beyond that, it gives back; those are free.
	Owned int
	// Need is how many tokens the program could use, by the class of the requests
	// that would: what they use at most lately, and one for each that waits.
	Need Classes
	// Reserve is how many tokens of N each class must leave to better ones, as far
	// as this program is told.
	Reserve Classes
}

// Answer is what a Budget returns from an exchange.
type Answer struct {
	// Shares are what the program owns from now on, one for each limit of the
	// Report, in its order.
	Shares []Share
	// Blocks are all that hold, of any program.
	Blocks []Block
	// Lease is for how long the program may spend what it owns, from the moment at
	// which the exchange began; then it has to ask first.
	Lease time.Duration
	// Next is when to come again, from now, at the latest, as long as the program
	// owns or needs anything.
	Next time.Duration
	// Incomplete asks for all that the program owns, with the next reports, because
	// the Budget does not know.
	Incomplete bool
	// Err says why the Budget could not be reached: the program goes on with what
	// it owns, by itself.
	Err error
}

// Share is one limit in an [Answer].
type Share struct {
	// Owned is how many tokens the program owns now. It is below what the Report
	// said only where the program was taken for dead meanwhile.
	Owned int
	// Part is how many it may come to own if it needs them, as things stand.
	Part int
	// Keep is how many it may go on owning: others want what is beyond it, which is
	// to be given back as it comes free, but for what may be spent first.
	Keep int
	// Window is the limit's window: the longest that any program told.
	Window time.Duration
	// Reserve is how many of those owned each class must leave to better ones.
	Reserve Classes
}

// Block is an endpoint that a 429 has blocked.
type Block struct {
	Key string        // of the endpoint's gate, see [Claim]
	For time.Duration // from now on
}
