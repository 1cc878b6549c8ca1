package clerkthrottle

import (
	"fmt"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// failureConfig says what a request may cost that comes to nothing. The zero value
// is the transport's default.
type failureConfig struct {
	answerTimeout time.Duration
	retryBudget   *transport.RetryBudget
}

// WithAnswerTimeout bounds how long one attempt of a request may take from its
// sending, connecting included, until the header of its answer is in. Past it the
// attempt ends as a failure whose Timeout method reports true, and is tried again
// where that is safe. A request that is never answered would hold its tokens for
// ever: where one in a hundred of 5 a second is, a limit of 100 per 10 s is all but
// gone within an hour. The answer's body may take as long as it likes, and time
// spent waiting for a token does not count. Default 2 minutes
// (two minutes); 0 means no bound.
func WithAnswerTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("WithAnswerTimeout(%s): must not be negative", d)
		}
		if c.failures.answerTimeout = d; d == 0 {
			c.failures.answerTimeout = -1 // as the transport says it
		}
		return nil
	}
}

// WithRetryBudget bounds how many failures (502, 503, 504 and broken connections)
// are tried again, for all requests of the transport together, so that a Clerk in
// trouble is not given four times its load, at a token each: in any minute no more
// than free, and fraction of the minute's requests besides. A failure past it goes
// back at once; snapshots count it as denied, and an observer's RetryDenied is
// told. 429s are not counted. Default 0.2 and 10;
// 0 ≤ fraction ≤ 3, free ≥ 0, and 0 and 0 mean that no failure is tried again.
func WithRetryBudget(fraction float64, free int) Option {
	return func(c *config) error {
		if !(fraction >= 0 && fraction <= 3) || free < 0 { // NaN fails, too
			return fmt.Errorf("WithRetryBudget(%v, %d): want 0 ≤ fraction ≤ 3 and free ≥ 0", fraction, free)
		}
		c.failures.retryBudget = &transport.RetryBudget{Fraction: fraction, Free: free}
		return nil
	}
}
