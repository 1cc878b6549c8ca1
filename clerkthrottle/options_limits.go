package clerkthrottle

import (
	"fmt"
	"slices"
	"time"
)

// override is one WithLimit.
type override struct {
	operation string
	n         int
	window    time.Duration
}

// WithHeadroom leaves this fraction of every limit to other programs: with 0.2, this
// one uses at most 80 % of each. At least one request per window remains. Default 0;
// 0 ≤ fraction < 1.
func WithHeadroom(fraction float64) Option {
	return func(c *config) error {
		if !(fraction >= 0 && fraction < 1) { // also refuses NaN
			return fmt.Errorf("WithHeadroom(%v): want 0 ≤ fraction < 1", fraction)
		}
		c.headroom = fraction
		return nil
	}
}

// WithLimit overrides a row of the limit table, or adds one: at most n requests in any
// window. The operation is a method and a path template such as
// "PATCH /v1/users/{user_id}". Any operation of a row stands for the whole row, whose
// operations share one count. A new row counts for the whole instance or, in the
// Frontend API, for each client address.
//
// The operation "instance" is the row of all Backend API requests. It resizes the row of
// both instance types, so a program that runs with development or production keys
// should give the limit of the type that it runs with.
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

// WithLimits replaces the limit table. Use it if Clerk has granted you several
// exceptions, or has changed several rows since [LimitsDate]. A row that is left out no
// longer limits, except the instance's: if given, it applies to both instance types, and
// if not, each type keeps its documented one. Start from the current table:
//
//	rows := clerkthrottle.Limits(clerkthrottle.Auto)[1:] // without the instance's row
//
// A row needs no Name. An operation can be in one row only, PerAddress is for the
// Frontend API alone, and PerResource needs a {param}. [WithLimit] and [WithHeadroom]
// apply to the new table, in whatever order the options are given.
func WithLimits(rows []Limit) Option {
	rows = slices.Clone(rows)
	return func(c *config) error {
		c.limits = append([]Limit{}, rows...) // not nil: the table may be empty
		return nil
	}
}

// WithLimitPerEndpoint counts the instance's limit for each endpoint separately.
// Clerk's documentation does not say that Clerk counts so. The default, one count for
// all endpoints, is safe either way.
func WithLimitPerEndpoint() Option {
	return func(c *config) error {
		c.perEndpoint = true
		return nil
	}
}
