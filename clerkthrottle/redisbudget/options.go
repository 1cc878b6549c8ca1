package redisbudget

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

const (
	// DefaultInFlightBound is how long a program may be silent before it counts as
	// dead, see [WithInFlightBound].
	DefaultInFlightBound = 3 * time.Second
	// DefaultTimeout is how long one call to Redis may take, see [WithTimeout].
	DefaultTimeout = 100 * time.Millisecond
)

// Option configures [New].
type Option func(*config) error

type config struct {
	prefix   string
	name     string
	bound    time.Duration
	timeout  time.Duration
	fallback bool
	logger   *slog.Logger
}

// WithName names the budget. Programs that use the same name on the same Redis share
// it. Default: "default". Different Clerk instances need no names of their own: they
// never share a count. The name is in every key, in clear, as its hash tag, so that a
// Redis Cluster keeps all of a budget on one node: give two busy instances two names,
// and two nodes can serve them.
func WithName(name string) Option {
	return func(c *config) error {
		c.name = name
		return checkName("WithName", name)
	}
}

// WithPrefix sets the first part of every key in Redis, up to a colon. Default:
// "clerkthrottle".
func WithPrefix(prefix string) Option {
	return func(c *config) error {
		c.prefix = prefix
		return checkName("WithPrefix", prefix)
	}
}

func checkName(option, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s: the name is empty", option)
	case strings.ContainsAny(name, "{}"):
		return fmt.Errorf("%s(%q): braces would change the hash tag", option, name)
	case strings.Contains(name, "sk_live_"), strings.Contains(name, "sk_test_"):
		return fmt.Errorf("%s: that is a secret key; use a name that may be public", option)
	}
	return nil
}

func checkBetween(option string, d, least, most time.Duration) error {
	if d < least || d > most {
		return fmt.Errorf("%s(%s): want between %s and %s", option, d, least, most)
	}
	return nil
}

// WithInFlightBound sets how long a program may be silent before it counts as dead.
// Default: [DefaultInFlightBound]. One window after that its tokens are free. Give
// all programs the same.
//
// A program that owns tokens is never silent for longer than a third of the bound,
// and spends none once it has been silent for the whole bound: one that was stopped
// for longer (a suspended machine, a frozen container) asks before it goes on. The
// rest of the bound is the time that a request has to reach the server after its
// program dies. The bound does not limit how long an answer may take. A budget that
// Redis does not have, because it is new or was lost, grants nothing for the bound.
func WithInFlightBound(d time.Duration) Option {
	return func(c *config) error {
		c.bound = d
		return checkBetween("WithInFlightBound", d, 100*time.Millisecond, time.Hour)
	}
}

// WithTimeout sets how long one call to Redis may take before Redis counts as away.
// Default: [DefaultTimeout]. The budget enforces it with its own timer, whatever the
// Redis client's timeouts are. Keep it below half of the in-flight bound: requests go
// on for one bound without an answer from Redis, and a third of it may be over when a
// call is made.
func WithTimeout(d time.Duration) Option {
	return func(c *config) error {
		c.timeout = d
		return checkBetween("WithTimeout", d, time.Millisecond, 10*time.Second)
	}
}

// WithoutFallback refuses requests with [transport.ReasonUnavailable] once Redis has
// been away for the in-flight bound, instead of sending them on the tokens that the
// program owns.
func WithoutFallback() Option {
	return func(c *config) error {
		c.fallback = false
		return nil
	}
}

// WithLogger sets the logger. The budget logs when Redis is away and when it is back.
// Default: [slog.Default]. No line contains a secret.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("WithLogger(nil): the logger is nil; to log nothing, use slog.New(slog.DiscardHandler)")
		}
		c.logger = l
		return nil
	}
}
