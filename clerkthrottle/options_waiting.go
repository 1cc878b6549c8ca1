package clerkthrottle

import (
	"fmt"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// WithMaxWait bounds how long one request may wait in total, for limits, blocks and
// retries. Time in flight does not count. Default 1 minute; 0 means never wait: a
// request that cannot be sent at once is refused.
func WithMaxWait(d time.Duration) Option {
	return func(c *config) error {
		c.MaxWait = zeroIsNone(d)
		return notNegative("WithMaxWait", d)
	}
}

// WithDefaultPriority sets the class of requests whose context sets none. Default
// [Normal]. A program whose default is [Batch] also yields to other programs that share
// its limits: it gets what they leave.
func WithDefaultPriority(p Priority) Option {
	return func(c *config) error {
		if p < Batch || p > Interactive {
			return fmt.Errorf("WithDefaultPriority(%d): want Batch, Normal or Interactive", int(p))
		}
		c.Priority = p
		return nil
	}
}

// WithReserve keeps a fraction of the instance's limit for a class and those above it.
// With WithReserve(Interactive, 0.2), an interactive request goes at once, whatever the
// backlog, as long as such requests keep to a fifth of the limit. Only as much of the
// fraction stays idle as the class can need before enough spent tokens come back; lower
// classes use the rest. By default nothing is reserved. 0 ≤ fraction < 1, for all
// classes together. Batch is the lowest class, and can reserve nothing.
func WithReserve(p Priority, fraction float64) Option {
	return func(c *config) error {
		wrong := func(why string) error { return fmt.Errorf("WithReserve(%s, %v): %s", goName(p), fraction, why) }
		if !(fraction >= 0 && fraction < 1) { // also refuses NaN
			return wrong("want 0 ≤ fraction < 1")
		}
		switch p {
		case Interactive:
			c.ReserveInteractive = fraction
		case Normal:
			c.ReserveNormal = fraction
		default:
			return wrong("want Interactive or Normal")
		}
		if c.ReserveInteractive+c.ReserveNormal >= 1 {
			return wrong("all reserves together must be below 1")
		}
		return nil
	}
}

// WithMaxQueue bounds how many requests may wait at a time. Past it, the newest request
// of the lowest class is refused; its [ThrottledError] says how many wait, and how long
// it would have waited. By default there is no bound.
func WithMaxQueue(n int) Option {
	return func(c *config) error {
		c.MaxQueue = n
		return positive("WithMaxQueue", n)
	}
}

// WithMaxKeys bounds how many users, organizations, memberships and client addresses
// are tracked. Idle ones are evicted first; when all are in use, new ones share one
// count per row. Default 100,000, at about 350 bytes each in use
// (go test ./clerkthrottle -run - -bench Million -benchtime 1x).
func WithMaxKeys(n int) Option {
	return func(c *config) error {
		c.MaxKeys = n
		return positive("WithMaxKeys", n)
	}
}

// WithDryRun computes and reports every wait but delays no request. Use it to try the
// throttle in production: requests are sent at once, 429s are returned as they come, and
// observers, the logger and snapshots show how long each request would have waited.
func WithDryRun() Option {
	return func(c *config) error {
		c.DryRun = true
		return nil
	}
}

// WithAnswerTimeout bounds one attempt, from sending (connecting included) to the
// response header. Past it the attempt fails with an error whose Timeout method reports
// true, and is retried if that is safe. Waiting for a token and reading the body do not
// count. Default 2 minutes; 0 means no bound.
//
// A request that is never answered would hold its tokens forever: if one in a hundred
// hangs, at 5 requests a second, a limit of 100 per 10 s is all but gone within an hour
// (go test ./transport -run HungRequests -v).
func WithAnswerTimeout(d time.Duration) Option {
	return func(c *config) error {
		c.AnswerTimeout = zeroIsNone(d)
		return notNegative("WithAnswerTimeout", d)
	}
}

// WithRetryBudget bounds the retries of failures (502, 503, 504 and broken connections)
// of all requests together. Without it, retries could multiply the load of a Clerk in
// trouble by four, at a token each. In any minute it allows free retries plus fraction
// of the minute's requests. A failure past that is returned at once; snapshots count it
// as denied, and an observer's RetryDenied is called. Retries of 429s do not count.
// Default 0.2 and 10; 0 ≤ fraction ≤ 3 and free ≥ 0. With 0 and 0, no failure is
// retried.
func WithRetryBudget(fraction float64, free int) Option {
	return func(c *config) error {
		if !(fraction >= 0 && fraction <= 3) || free < 0 { // also refuses NaN
			return fmt.Errorf("WithRetryBudget(%v, %d): want 0 ≤ fraction ≤ 3 and free ≥ 0", fraction, free)
		}
		c.RetryBudget = &transport.RetryBudget{Fraction: fraction, Free: free}
		return nil
	}
}

// goName returns a class as a program writes it.
func goName(p Priority) string {
	switch p {
	case Interactive:
		return "Interactive"
	case Normal:
		return "Normal"
	case Batch:
		return "Batch"
	}
	return fmt.Sprint(int(p))
}

func positive(option string, n int) error {
	if n <= 0 {
		return fmt.Errorf("%s(%d): must be positive", option, n)
	}
	return nil
}

func notNegative(option string, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("%s(%s): must not be negative", option, d)
	}
	return nil
}

// zeroIsNone translates 0, meaning none, for [transport.Config], where it means the
// default.
func zeroIsNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
