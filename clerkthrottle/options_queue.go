package clerkthrottle

import "fmt"

// WithDefaultPriority sets the class of requests whose context names none.
// Default [Normal]. A program whose default is [Batch] also yields to programs it
// knows nothing of: where they share a limit, they have it when they want it, and
// it gets what is left.
func WithDefaultPriority(p Priority) Option {
	return func(c *config) error {
		if p < Batch || p > Interactive {
			return fmt.Errorf("WithDefaultPriority(%d): want Batch, Normal or Interactive", int(p))
		}
		c.priority = p
		return nil
	}
}

// WithReserve keeps a fraction of the instance's limit for a class and those
// above it: WithReserve(Interactive, 0.2) lets a person's request go at once,
// whatever the backlog, as long as such requests keep to a fifth of the limit.
// Of the fraction only as much is kept idle as the class can need before enough
// spent tokens have come back; the rest is used by others. Default: nothing is
// reserved. 0 ≤ fraction < 1, for all classes together; Batch has nobody below
// it to reserve from.
func WithReserve(p Priority, fraction float64) Option {
	return func(c *config) error {
		if !(fraction >= 0 && fraction < 1) { // NaN fails, too
			return fmt.Errorf("WithReserve(%s, %v): want 0 ≤ fraction < 1", p, fraction)
		}
		switch p {
		case Interactive:
			c.scheduling.ReserveInteractive = fraction
		case Normal:
			c.scheduling.ReserveNormal = fraction
		default:
			return fmt.Errorf("WithReserve(%d, %v): want Interactive or Normal", int(p), fraction)
		}
		if c.scheduling.ReserveInteractive+c.scheduling.ReserveNormal >= 1 {
			return fmt.Errorf("WithReserve(%s, %v): all reserves together must be below 1", p, fraction)
		}
		return nil
	}
}

// WithMaxQueue bounds how many requests may wait at a time. Past it, the latest
// request of the lowest class is refused at once; its [ThrottledError]
// tells how many wait and for how long it would have. Default: no bound.
func WithMaxQueue(n int) Option {
	return func(c *config) error {
		if n <= 0 {
			return fmt.Errorf("WithMaxQueue(%d): must be positive", n)
		}
		c.scheduling.MaxQueue = n
		return nil
	}
}

// WithMaxKeys bounds how many single users, organizations and client addresses
// are kept count of. What is idle is forgotten first; where all are in use, all
// further ones share one count of each row. Default 100,000; a live one takes about
// 350 bytes.
func WithMaxKeys(n int) Option {
	return func(c *config) error {
		if n <= 0 {
			return fmt.Errorf("WithMaxKeys(%d): must be positive", n)
		}
		c.scheduling.MaxKeys = n
		return nil
	}
}

// WithDryRun computes and reports everything and holds nobody back: requests go
// out at once, 429s are handed back as they come, and observers, the logger and
// snapshots tell what would have been waited. It is the way to try the throttle
// in production.
func WithDryRun() Option {
	return func(c *config) error {
		c.scheduling.DryRun = true
		return nil
	}
}
