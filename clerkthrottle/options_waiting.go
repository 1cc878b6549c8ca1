package clerkthrottle

import (
	"fmt"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// WithMaxWait bounds how long one request may wait in all, for limits, blocks
// and retries together. Default 1 minute; 0 means never to wait: a request that
// cannot go at once is refused. The time in flight does not count.
func WithMaxWait(d time.Duration) Option {
	return func(c *config) error {
		c.MaxWait = zeroIsNone(d)
		return notNegative("WithMaxWait", d)
	}
}

// WithDefaultPriority sets the class of requests whose context names none.
// Default [Normal]. A program whose default is [Batch] also yields to programs it
// knows nothing of: where they share a limit, they have it when they want it, and
// it gets what is left.
func WithDefaultPriority(p Priority) Option {
	return func(c *config) error {
		if p < Batch || p > Interactive {
			return fmt.Errorf("WithDefaultPriority(%d): want Batch, Normal or Interactive", int(p))
		}
		c.Priority = p
		return nil
	}
}

// WithReserve keeps a fraction of the instance's limit for a class and those
// above it: WithReserve(Interactive, 0.2) lets a person's request go at once,
// whatever the backlog, as long as such requests keep to a fifth of the limit.
// Only as much of the fraction is kept idle as the class can need before enough
// spent tokens have come back; the others use the rest. Default: nothing is
// reserved. 0 ≤ fraction < 1, for all classes together; Batch has nobody below
// it to reserve from.
func WithReserve(p Priority, fraction float64) Option {
	return func(c *config) error {
		wrong := func(why string) error { return fmt.Errorf("WithReserve(%s, %v): %s", goName(p), fraction, why) }
		if !(fraction >= 0 && fraction < 1) { // NaN fails, too
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

// WithMaxQueue bounds how many requests may wait at a time. Past it, the latest
// request of the lowest class is refused at once; its [ThrottledError]
// tells how many wait and for how long it would have. Default: no bound.
func WithMaxQueue(n int) Option {
	return func(c *config) error {
		c.MaxQueue = n
		return positive("WithMaxQueue", n)
	}
}

// WithMaxKeys bounds how many single users, organizations and client addresses
// are kept count of. What is idle is forgotten first; where all are in use, all
// further ones share one count of each row. Default 100,000; a live one takes about
// 350 bytes (go test ./clerkthrottle -run - -bench Million -benchtime 1x).
func WithMaxKeys(n int) Option {
	return func(c *config) error {
		c.MaxKeys = n
		return positive("WithMaxKeys", n)
	}
}

// WithDryRun computes and reports everything and holds nobody back: requests go
// out at once, 429s are handed back as they come, and observers, the logger and
// snapshots tell how long each would have waited. Use it to try the throttle in
// production.
func WithDryRun() Option {
	return func(c *config) error {
		c.DryRun = true
		return nil
	}
}

// WithAnswerTimeout bounds how long one attempt of a request may take from its
// sending, connecting included, until the header of its answer is in. Past it the
// attempt ends as a failure whose Timeout method reports true, and is tried again
// where that is safe. A request that is never answered would hold its tokens for
// ever: where one in a hundred of 5 a second is, a limit of 100 per 10 s is all but
// gone within an hour (go test ./transport -run HungRequests -v). The answer's body
// may take as long as it likes, and time spent waiting for a token does not count.
// Default 2 minutes; 0 means no bound.
func WithAnswerTimeout(d time.Duration) Option {
	return func(c *config) error {
		c.AnswerTimeout = zeroIsNone(d)
		return notNegative("WithAnswerTimeout", d)
	}
}

// WithRetryBudget bounds how many failures (502, 503, 504 and broken connections)
// are tried again, for all requests of the transport together, so that a Clerk in
// trouble is not given four times its load, at a token each: in any minute no more
// than free, and fraction of the minute's requests besides. A failure past it goes
// back at once; snapshots count it as denied, and an observer's RetryDenied is
// told. 429s are not counted. Default 0.2 and 10; 0 ≤ fraction ≤ 3, free ≥ 0, and
// 0 and 0 mean that no failure is tried again.
func WithRetryBudget(fraction float64, free int) Option {
	return func(c *config) error {
		if !(fraction >= 0 && fraction <= 3) || free < 0 { // NaN fails, too
			return fmt.Errorf("WithRetryBudget(%v, %d): want 0 ≤ fraction ≤ 3 and free ≥ 0", fraction, free)
		}
		c.RetryBudget = &transport.RetryBudget{Fraction: fraction, Free: free}
		return nil
	}
}

// asWritten returns a class as it stands in a program.
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

// orNone says 0 as [transport.Config] does, where 0 is the default.
func zeroIsNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
