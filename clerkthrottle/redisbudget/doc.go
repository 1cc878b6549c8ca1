// Package redisbudget shares one budget among all replicas of a program, on the
// Redis (or Valkey) that they have anyway. Together they use the whole of Clerk's
// limit and never more, each gets its share, better priorities go first whichever
// program they are in, and the block that one of them meets holds them all.
//
//	rdb := redis.NewClient(&redis.Options{Addr: "redis:6379"})
//	budget, err := redisbudget.New(rdb)
//	...
//	client, err := clerkthrottle.NewClient(clerkthrottle.WithBudget(budget))
//
// [New] takes any [redis.Scripter] of go-redis v9: a Client, a ClusterClient or a
// Ring. One program alone needs none of this, and several that seldom come near
// the limit do not either: without a shared budget they find their shares by
// themselves, at the cost of a few 429s.
//
// # The guarantee
//
// It is that of one process: a token that was spent comes back one window after its
// answer. Each of a limit's N tokens is owned by one program at a time, or lies in
// Redis, and changes hands only while it is free. So two requests on one token reach
// the server at least a window apart, whoever sent them, and no window, wherever it
// begins, sees more than N. No clock of a program is compared with another's, only
// durations go back and forth.
//
// # Shares
//
// A program is given what it needs, if there is enough for all. Otherwise the tokens
// are divided by need: what better priorities need comes first, but for one turn in
// eleven for each lower one; a reserve (clerkthrottle.WithReserve) is left to those
// that it is for; and within a class nobody gets more than another who goes without.
// Programs give back what is beyond their part as it comes free.
//
// # What it costs
//
// A request that finds a token which its program owns makes no call to Redis. A
// program calls when it needs more than it owns and has not just been told that there
// is none; about once a second while it owns anything, to show that it lives; and
// otherwise not at all. Tokens of a limit for one user or address are owned by no
// program for long: there each request takes its token from Redis.
//
// # When Redis is away
//
// Every program goes on with the tokens that it owns: the sum is still N, and no
// request waits for Redis. No program gets more until it is back. A program that starts meanwhile
// goes by a tenth of each limit. [WithoutFallback] refuses requests instead, once
// Redis has been away for the in-flight bound.
//
// A budget that Redis does not know, because it is new or because Redis lost it,
// grants nothing for the in-flight bound (3 s), until all programs have told what
// they own. So the very first request of a fleet waits that long, once.
//
// The README has every case, with its worst.
package redisbudget
