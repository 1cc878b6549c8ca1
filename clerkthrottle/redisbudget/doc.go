// Package redisbudget shares one budget among all replicas of a program, on the Redis
// (or Valkey) that they already have. Together they use the whole of Clerk's limit
// and never more. Each gets its share, higher priorities go first whichever program
// they are in, and a block that one program meets holds all of them.
//
//	rdb := redis.NewClient(&redis.Options{Addr: "redis:6379"})
//	budget, err := redisbudget.New(rdb)
//	...
//	client, err := clerkthrottle.NewClient(clerkthrottle.WithBudget(budget))
//
// [New] takes any [redis.Scripter] of go-redis v9: a Client, a ClusterClient or a
// Ring. A single program does not need this package, nor do several that seldom come
// near the limit: without a shared budget they find their shares by themselves, at
// the cost of a few 429s.
//
// # The guarantee
//
// It is the same as within one process: a spent token is free again one window after
// its answer. Each of a limit's N tokens is owned by one program at a time, or lies
// in Redis, and changes hands only while it is free. So two requests on one token
// reach the server at least a window apart, whichever programs sent them, and no
// window, wherever it begins, sees more than N. Clocks are never compared: programs
// and Redis exchange durations only.
//
// # Shares
//
// A program gets what it needs, if there is enough for all. Otherwise the tokens are
// divided by need: higher priorities come first, except for one turn in eleven for
// each lower one; a reserve (clerkthrottle.WithReserve) is kept for the priorities
// above; and within a class no program gets more than another whose need is unmet.
// Programs give back what exceeds their part as it becomes free.
//
// # What it costs
//
// A request that gets a token which its program owns makes no call to Redis. A
// program calls when it needs more tokens than it owns and has not just been denied
// them; about once a second while it owns any, to show that it is alive; and
// otherwise not at all. Tokens of a limit for one user or address are owned by no
// program for long: there each request takes its token from Redis.
//
// # When Redis is away
//
// Every program goes on with the tokens that it owns: the sum is still N, and no
// request waits for Redis. No program gets more until Redis is back. A program that
// starts meanwhile uses a tenth of each limit. [WithoutFallback] instead refuses
// requests once Redis has been away for the in-flight bound.
//
// A budget that Redis does not have, because it is new or Redis lost it, grants
// nothing for the in-flight bound (3 s), until all programs have reported what they
// own. So the very first request of a fleet waits that long, once, or is refused if it
// may not.
//
// The README lists every case, with its worst outcome.
package redisbudget
