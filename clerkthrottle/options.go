package clerkthrottle

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Option configures [NewClient] and [NewTransport]. The zero configuration is
// right for almost everyone.
type Option func(*config) error

type config struct {
	transport.Config // without the classifier's part

	instanceType InstanceType
	instanceID   string
	hosts        map[string]bool
	limits       []Limit // nil: Clerk's
	overrides    []override
	headroom     float64
	perEndpoint  bool
	logger       *slog.Logger
}

func newConfig(opts []Option) (*config, error) {
	cfg := &config{logger: slog.Default()}
	for i, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("clerkthrottle: option number %d is nil", i+1)
		}
		if err := opt(cfg); err != nil {
			return nil, fmt.Errorf("clerkthrottle: %w", err)
		}
	}
	return cfg, nil
}

// WithBase sets the transport that sends the requests. The default, also for nil, is
// [http.DefaultTransport]. It should not retry: the throttle cannot count retries made
// below it.
func WithBase(base http.RoundTripper) Option {
	return func(c *config) error {
		c.Base = base
		return nil
	}
}

// WithHosts adds hosts that serve Clerk's APIs: a gateway or proxy in front of Clerk, a
// stand-in for it, a satellite domain. Every request to such a host is throttled, on any
// port. With a secret key it counts for the Backend API; with a path that browsers use
// (/v1/client, sign_ins, sign_ups, or anything below /__clerk), for the Frontend API;
// and otherwise for the API that has the operation, or for the Backend API if both or
// neither do.
//
// Clerk's own hosts are known: api.clerk.com, api.clerk.dev, frontend-api.clerk.dev,
// every host below clerk.accounts.dev, and clerk.<domain>, where production instances
// have their Frontend API. Since any host can be named clerk.<domain>, only requests for
// operations of the Frontend API are throttled there. Loopback hosts (localhost,
// 127.0.0.0/8, ::1) are known for tests: a request to one is throttled if it has a key
// that begins with sk_live_ or sk_test_, or a path that browsers use.
//
// A request to any other host is not throttled, whatever its path or key.
func WithHosts(hosts ...string) Option {
	hosts = slices.Clone(hosts)
	return func(c *config) error {
		for _, h := range hosts {
			_, err := netip.ParseAddr(h)
			if h == "" || err != nil && strings.ContainsAny(h, ":/?#@*[]% \t\r\n") {
				return fmt.Errorf("WithHosts(%q): want host names without a scheme, port or path, such as \"clerk.internal.example\"", h)
			}
			if c.hosts == nil {
				c.hosts = make(map[string]bool)
			}
			c.hosts[strings.ToLower(strings.TrimSuffix(h, "."))] = true
		}
		return nil
	}
}

// WithInstanceType sets the type of the instance that requests go to. The default,
// [Auto], takes it from each request's secret key. If the type contradicts a key, the
// stricter limit applies and the logger says so once.
func WithInstanceType(t InstanceType) Option {
	return func(c *config) error {
		if t < Auto || t > Production {
			return fmt.Errorf("WithInstanceType(%d): want Auto, Development or Production", int(t))
		}
		c.instanceType = t
		return nil
	}
}

// WithInstanceID names the one Clerk instance that all requests go to, so that its
// secret keys share one budget. Any name will do; it appears in snapshots, so it must
// not be a secret. By default each key has its own budget, up to 1024 keys; since keys
// can be made up, any more share the budget of one development instance.
func WithInstanceID(id string) Option {
	return func(c *config) error {
		switch {
		case isSecret(id):
			return errors.New("WithInstanceID: that is a secret key; use a name that may be public")
		case id == "", strings.ContainsFunc(id, unicode.IsControl), !utf8.ValidString(id):
			return fmt.Errorf("WithInstanceID(%q): want a non-empty printable name", id)
		}
		c.instanceID = id
		return nil
	}
}

// WithBudget shares the limits with other programs through a budget, such as package
// redisbudget's. Everything else works the same. By default the limits are this
// transport's alone.
func WithBudget(b transport.Budget) Option {
	return func(c *config) error {
		if b == nil {
			return errors.New("WithBudget(nil): the budget is nil")
		}
		c.Budget = b
		return nil
	}
}

// WithBudgetOf makes the transport use the budget of another one in this program: the
// two share limits, queues and blocks. The other's reserves, bounds, retry budget and
// dry run apply, and its Close closes both.
func WithBudgetOf(other *Transport) Option {
	return func(c *config) error {
		if other == nil {
			return errors.New("WithBudgetOf(nil): the transport is nil")
		}
		c.SameAs = other
		return nil
	}
}

// WithObserver adds an observer, whose functions are called when requests wait, are
// refused, answered or retried, when endpoints are blocked, and when learned rates
// change. By default there is none.
func WithObserver(o *Observer) Option {
	return func(c *config) error {
		if o == nil {
			return errors.New("WithObserver(nil): the observer is nil")
		}
		c.Observers = append(c.Observers, o)
		return nil
	}
}

// WithLogger sets the logger. Blocks, an exhausted retry budget and configuration
// problems are logged as warnings, learned rates and a dry run's waits at info level,
// and waits, refusals and retries at debug level, each at most once in ten seconds per
// endpoint. No line holds a secret. Default [slog.Default].
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("WithLogger(nil): the logger is nil; to log nothing, use slog.New(slog.DiscardHandler)")
		}
		c.logger = l
		return nil
	}
}
