package transport

import (
	"context"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// Budget hands out the tokens of limits that several programs share; it only has to
// keep count. Each token is owned by one program at a time or held by the Budget, and
// changes hands only while it is free: one window after the answer to the request
// that last spent it. So a program spends the tokens it owns without asking, and all
// programs together keep to the limit in every window.
//
// Each program's Transport decides everything else: which requests wait, in which
// order and for how long, and what 429s teach.
type Budget interface {
	// Join adds a program, which owns nothing yet. Each Transport calls it once.
	Join() Member
}

// Member is one program's membership in a [Budget].
type Member interface {
	// Exchange reports what the program owns and needs, and returns what it owns from
	// then on. Calls never overlap. After an error the program may spend what it owns
	// until the lease ends; then its requests are refused with [ReasonUnavailable]. A
	// Budget that is unreachable but lets requests go on returns an [Answer] with Err
	// instead. Exchange must return soon, whatever the network does: requests may be
	// waiting for it.
	Exchange(context.Context, *Report) (*Answer, error)
}

// Report is what a program sends in an exchange. Exchange must not retain it or any
// part of it.
type Report struct {
	Limits []Usage
	// Complete says that Limits names every limit of which the program owns tokens.
	Complete bool
	// Blocks are the blocks that this program has met since the last answered
	// exchange.
	Blocks []Block
}

// Usage is one limit in a [Report].
type Usage struct {
	*Limit
	// Owned is how many tokens the program owns, free or spent. Any it owned beyond
	// that were free, and it gives them back.
	Owned int
	// Need is how many tokens the program could use, by class: its requests' recent
	// peak use, and one for each that waits.
	Need snapshot.Classes
	// Reserve is how many of the N tokens each class must leave to higher ones, as
	// this program is configured.
	Reserve snapshot.Classes
}

// Answer is what a Budget returns from an exchange.
type Answer struct {
	// Shares is what the program owns from now on, one for each of the Report's
	// Limits, in order.
	Shares []Share
	// Blocks are all current blocks, of any program.
	Blocks []Block
	// Lease is how long the program may spend what it owns, counted from the start of
	// the exchange. After that it must ask first.
	Lease time.Duration
	// Next is the longest time from now to the next exchange while the program owns
	// or needs anything.
	Next time.Duration
	// Incomplete asks the program to report everything it owns, because the Budget
	// does not know.
	Incomplete bool
	// Recovering says that the Budget grants nothing yet, because it waits to hear
	// from every program. Exchanges go on, even if this one owns and needs nothing.
	Recovering bool
	// Err says why the Budget was unreachable. The program goes on alone with what it
	// owns.
	Err error
}

// Share is one limit in an [Answer].
type Share struct {
	// Owned is how many tokens the program owns now. It is less than reported only if
	// the program was taken for dead meanwhile.
	Owned int
	// Part is how many it can own if it needs them, as things stand.
	Part int
	// Keep is how many it may go on owning. Other programs want the rest: it gives
	// those back once they are free, unless it spends them first.
	Keep int
	// Window is the limit's window: the longest that any program reported.
	Window time.Duration
	// Reserve is how many of the owned tokens each class must leave to higher ones.
	Reserve snapshot.Classes
}

// Block describes an endpoint that a 429 has blocked.
type Block struct {
	Key string        // of the endpoint's gate, see [Claim]
	For time.Duration // from now on
}
