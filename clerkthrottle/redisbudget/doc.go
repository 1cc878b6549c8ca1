// Package redisbudget shares one budget among all replicas of a program, on the
// Redis (or Valkey) that they have anyway. Together they use the whole of Clerk's
// limit and never more, each gets its share, and the block that one of them meets
// holds them all.
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
// It is that of the in-process budget: a token that was spent comes back one
// window after its answer. So no window, wherever it begins, sees more than the
// limit, whatever the latencies and however the server counts. Redis counts the
// tokens of requests under way, by program, and those on their way back, by the
// time at which they come back, rounded up to 1/256 of the window (1/64 for limits
// below 100). That time is Redis's; no clock of a program is compared with
// another's, only durations go back and forth. All limits of a request are taken
// in one step, or none.
//
// # Shares
//
// A program is hungry when it asks for more than it gets. What the others do not
// use is divided evenly among the hungry: none may hold more than its part of it
// while others want theirs. A program that is hungry alone may hold all.
//
// # What it costs
//
// One call to Redis at a time asks for all that wait in a program, and carries
// what became of the requests before: about one call a request in a busy fleet,
// two where requests are rare. A call takes Redis some 20 µs. A limit takes 1.5 to
// 2.5 KB in Redis for a fleet of eight, and a hundred bytes for each program more;
// a gate, a hundred bytes while it is closed. Every key expires: a limit's a window
// and some seconds after its last use.
//
// # When Redis is away
//
// A call that fails, or takes longer than [WithTimeout], puts the program on its
// own: it goes on, without a pause, under nine tenths of its last known share,
// with the blocks that it knows and the rate that it learns from 429s. It looks
// for Redis in the background, and returns to the shared budget by itself. Then,
// for two seconds, it keeps to its own share as well, until all others are back
// and have told what they sent. [WithoutFallback] refuses requests instead.
//
// Programs notice when Redis forgot what they told it (a restart without its data,
// FLUSHALL, an eviction, a failover to a replica that lagged), and tell it again
// before they ask for more.
//
// The README has the worst cases, with their arguments.
package redisbudget
