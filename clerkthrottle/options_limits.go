package clerkthrottle

import (
	"fmt"
	"slices"
	"time"
)

// override is one use of WithLimit.
type override struct {
	operation string
	n         int
	window    time.Duration
}

// WithHeadroom leaves this fraction of every limit to other programs: 0.2 keeps
// to 80 % of each. Default 0; 0 ≤ fraction < 1. At least one request per window
// always remains.
func WithHeadroom(fraction float64) Option {
	return func(c *config) error {
		if !(fraction >= 0 && fraction < 1) { // NaN fails, too
			return fmt.Errorf("WithHeadroom(%v): want 0 ≤ fraction < 1", fraction)
		}
		c.headroom = fraction
		return nil
	}
}

// WithLimit overrides a row of the limit table, or adds one: no more than n
// requests in any window. The operation is a method and a path template such as
// "PATCH /v1/users/{user_id}". Naming any operation of a row resizes that row,
// and with it the count that its operations share. A new row counts for the
// instance as a whole, or, in the Frontend API, for each client address.
//
// The operation "instance" is the row of all Backend requests. It resizes that of
// both instance types: a program that uses development and production keys gives
// it for the one that it runs with.
func WithLimit(operation string, n int, window time.Duration) Option {
	return func(c *config) error {
		switch {
		case n <= 0:
			return fmt.Errorf("WithLimit(%q, %d, %s): n must be positive", operation, n, window)
		case window <= 0:
			return fmt.Errorf("WithLimit(%q, %d, %s): the window must be positive", operation, n, window)
		}
		c.overrides = append(c.overrides, override{operation, n, window})
		return nil
	}
}

// WithLimits replaces the limit table, for where Clerk has granted several
// exceptions, or changed more than one row since [LimitsDate]. Rows that are left
// out do not hold, except for the instance's: left out, it is the documented one
// of each instance type; given, it holds for both types. Start from the table as
// it is:
//
//	rows := clerkthrottle.Limits(clerkthrottle.Auto)[1:] // the instance's row comes first
//
// A row needs no Name. Its operations must not have another row, PerAddress is
// for the Frontend API, and PerResource needs a {param}. [WithLimit] and
// [WithHeadroom] apply to the new table, wherever they stand.
func WithLimits(rows []Limit) Option {
	rows = slices.Clone(rows)
	return func(c *config) error {
		c.limits = append([]Limit{}, rows...) // not nil: the table may be empty
		return nil
	}
}

// WithLimitPerEndpoint counts the instance's limit for each endpoint apart.
// Clerk's documentation does not say so; the default, one count for all
// endpoints of an instance, is right either way.
func WithLimitPerEndpoint() Option {
	return func(c *config) error {
		c.perEndpoint = true
		return nil
	}
}
