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
	transport.Config // but for what the classifier gives

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

// WithBase sets the transport that sends the requests. Default, and the meaning
// of nil: [http.DefaultTransport]. It should not retry by itself: retries under
// a throttle are requests that nobody counted.
func WithBase(base http.RoundTripper) Option {
	return func(c *config) error {
		c.Base = base
		return nil
	}
}

// WithHosts names further hosts that are Clerk's: a gateway or a proxy in front
// of it, a stand-in for it, a satellite domain. Every request to such a host is
// throttled, whatever its port. If it carries a secret key it counts for the
// Backend API; if its path is one that browsers use (/v1/client, sign_ins,
// sign_ups, or anything below /__clerk), for the Frontend API; and otherwise for
// the API that has the operation, the Backend API if both or neither do.
//
// Clerk's own hosts need no naming: api.clerk.com, api.clerk.dev,
// frontend-api.clerk.dev, every host below clerk.accounts.dev, and clerk.<domain>,
// where production instances have their Frontend API. Anybody may name a host so:
// only requests for operations of the Frontend API are throttled there. Nor do
// loopback hosts need it (localhost, 127.0.0.0/8, ::1), for tests: a request to
// one is throttled if it has a key that begins with sk_live_ or sk_test_, or a
// path that browsers use.
//
// A request to any other host is not throttled, whatever its path or key.
func WithHosts(hosts ...string) Option {
	hosts = slices.Clone(hosts)
	return func(c *config) error {
		for _, h := range hosts {
			_, err := netip.ParseAddr(h)
			if h == "" || err != nil && strings.ContainsAny(h, ":/?#@*[]% \t\r\n") {
				return fmt.Errorf("WithHosts(%q): want names of hosts without a scheme, a port or a path, such as \"clerk.internal.example\"", h)
			}
			if c.hosts == nil {
				c.hosts = make(map[string]bool)
			}
			c.hosts[strings.ToLower(strings.TrimSuffix(h, "."))] = true
		}
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
// budget of its own, up to 1024 keys; since keys can be made up, all further ones
// share the budget of one development instance.
func WithInstanceID(id string) Option {
	return func(c *config) error {
		switch {
		case isSecret(id):
			return errors.New("WithInstanceID: that is a secret key; give the instance a name that may be seen")
		case id == "", strings.ContainsFunc(id, unicode.IsControl), !utf8.ValidString(id):
			return fmt.Errorf("WithInstanceID(%q): want a name that can be shown", id)
		}
		c.instanceID = id
		return nil
	}
}

// WithBudget shares the limits with other programs, through a budget such as
// package redisbudget's. Everything else works as without it. Default: the limits
// are this transport's alone.
func WithBudget(b transport.Budget) Option {
	return func(c *config) error {
		if b == nil {
			return errors.New("WithBudget(nil): the budget is nil")
		}
		c.Budget = b
		return nil
	}
}

// WithBudgetOf has the transport draw on the budget of another one in this program:
// the two share limits, lines and blocks. Reserves, bounds and a dry run are those of
// the other, whose Close closes both.
func WithBudgetOf(other *Transport) Option {
	return func(c *config) error {
		if other == nil {
			return errors.New("WithBudgetOf(nil): the transport is nil")
		}
		c.SameAs = other
		return nil
	}
}

// WithObserver has the functions of o called when the throttle holds back,
// refuses, blocks, repeats or slows down. Several observers may be given.
// Default: none.
func WithObserver(o *Observer) Option {
	return func(c *config) error {
		if o == nil {
			return errors.New("WithObserver(nil): the observer is nil")
		}
		c.Observers = append(c.Observers, o)
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
			return errors.New("WithLogger(nil): the logger is nil; to hear nothing, give it slog.New(slog.DiscardHandler)")
		}
		c.logger = l
		return nil
	}
}
