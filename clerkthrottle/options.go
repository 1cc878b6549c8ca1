package clerkthrottle

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Option configures [NewClient] and [NewTransport]. The zero configuration is
// right for almost everyone.
type Option func(*config) error

type config struct {
	base         http.RoundTripper
	instanceType InstanceType
	instanceID   string
	maxWait      time.Duration
	headroom     float64
	overrides    []override
	perEndpoint  bool
	budget       transport.Budget
	sameAs       *transport.Transport
	scheduling   transport.Config // what describes the waiting
	priority     Priority
	observers    []*transport.Observer
	logger       *slog.Logger
}

// override is one use of WithLimit.
type override struct {
	operation string
	n         int
	window    time.Duration
}

func newConfig(opts []Option) (*config, error) {
	cfg := &config{maxWait: transport.DefaultMaxWait}
	for i, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("clerkthrottle: option number %d is nil", i+1)
		}
		if err := opt(cfg); err != nil {
			return nil, fmt.Errorf("clerkthrottle: %w", err)
		}
	}
	if cfg.logger == nil {
		cfg.logger = slog.Default()
	}
	return cfg, nil
}

// WithBase sets the transport that sends the requests. Default, and the meaning
// of nil: [http.DefaultTransport]. It should not retry by itself: retries under
// a throttle are requests that nobody counted.
func WithBase(base http.RoundTripper) Option {
	return func(c *config) error {
		c.base = base
		return nil
	}
}

// WithInstanceType says which kind of instance the requests go to. Default
// [Auto], which reads it off each request's secret key. A type that contradicts
// a key is reported once through the logger, and the stricter limit holds.
func WithInstanceType(t InstanceType) Option {
	return func(c *config) error {
		if t < Auto || t > Production {
			return fmt.Errorf("WithInstanceType(%d): want Auto, Development or Production", int(t))
		}
		c.instanceType = t
		return nil
	}
}

// WithInstanceID names the Clerk instance that all requests go to, so that
// several secret keys of one instance draw on one budget. Any name will do; it
// shows in snapshots, so it must not be a secret. Default: every key has a
// budget of its own.
func WithInstanceID(id string) Option {
	return func(c *config) error {
		switch {
		case id == "":
			return errors.New("WithInstanceID: the name is empty")
		case isSecret(id):
			return errors.New("WithInstanceID: that is a secret key; give the instance a name that may be seen")
		}
		c.instanceID = id
		return nil
	}
}

// WithMaxWait bounds how long one request may wait in all, for limits, blocks
// and retries together. Default 1 minute; 0 means never to wait: a request that
// cannot go at once is refused. The time in flight does not count.
func WithMaxWait(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("WithMaxWait(%s): must not be negative", d)
		}
		c.maxWait = d
		return nil
	}
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
// requests in any window. The operation is "instance" for the row of all
// Backend requests, whatever the instance type, or a method and a path template
// such as "PATCH /v1/users/{user_id}". Naming any operation of a documented row
// resizes that row, and with it the count that its operations share. A new row
// counts for the instance as a whole, or, in the Frontend API, for each client
// address.
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

// WithLimitPerEndpoint counts the instance's limit for each endpoint apart.
// Clerk's documentation does not say so; the default, one count for all
// endpoints of an instance, is right either way.
func WithLimitPerEndpoint() Option {
	return func(c *config) error {
		c.perEndpoint = true
		return nil
	}
}

// WithBudget shares the limits with other programs: their tokens are the Budget's,
// such as one on Redis (package redisbudget). Everything else works as without it.
// Default: all tokens are this transport's own.
func WithBudget(b transport.Budget) Option {
	return func(c *config) error {
		if b == nil {
			return errors.New("WithBudget: the budget is nil")
		}
		c.budget = b
		return nil
	}
}

// WithBudgetOf has the transport draw on the budget of another one in this program:
// the two share limits, lines and blocks. Reserves, bounds and a dry run are those of
// the other, whose Close closes both.
func WithBudgetOf(other *transport.Transport) Option {
	return func(c *config) error {
		if other == nil {
			return errors.New("WithBudgetOf: the transport is nil")
		}
		c.sameAs = other
		return nil
	}
}

// WithObserver has the functions of o called when the throttle holds back,
// refuses, blocks, repeats or slows down. Several observers may be given.
// Default: none.
func WithObserver(o *transport.Observer) Option {
	return func(c *config) error {
		if o == nil {
			return errors.New("WithObserver: the observer is nil")
		}
		c.observers = append(c.observers, o)
		return nil
	}
}

// WithLogger sets where the throttle reports what its user should know: blocks
// and contradictions as warnings, learned rates as information, single waits,
// refusals and retries at debug level, each at most once in ten seconds for an
// endpoint. Default [slog.Default]. No line holds a secret.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("WithLogger: the logger is nil; to hear nothing, give it slog.New(slog.DiscardHandler)")
		}
		c.logger = l
		return nil
	}
}
