package clerktest

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
)

// Option configures a [Server].
type Option func(*config)

type config struct {
	instanceType clerkthrottle.InstanceType
	sameAs       map[string]string     // key → first key of the same instance
	limits       []clerkthrottle.Limit // nil: the documented ones
	algorithm    Algorithm
	phase        time.Duration
	phased       bool
	blocking     bool
	retryAfter   RetryAfter
	blockTime    time.Duration // 0: until the row has room
	latency      Latency
	serviceTime  Latency
	seed         uint64
	lateArrivals bool
	fault        func(r *http.Request, n int) Fault
	logSize      int
	handler      http.Handler
}

// DefaultLogSize is the default of [WithLogSize].
const DefaultLogSize = 1 << 16

func newConfig(opts []Option) config {
	c := config{
		sameAs:      map[string]string{},
		blocking:    true,
		latency:     Constant(0),
		serviceTime: Constant(0),
		seed:        1,
		logSize:     DefaultLogSize,
	}
	for i, o := range opts {
		refuse(o == nil, "option number %d is nil", i+1)
		o(&c)
	}
	return c
}

// refuse panics if wrong is true: the test has a mistake.
func refuse(wrong bool, format string, args ...any) {
	if wrong {
		panic(fmt.Sprintf("clerktest: "+format, args...))
	}
}

// WithInstanceType sets the type of every secret key's instance. The default, Auto,
// derives it from each key's prefix: sk_live_ (or live_) is a production instance,
// every other key a development instance.
func WithInstanceType(t clerkthrottle.InstanceType) Option {
	refuse(t < clerkthrottle.Auto || t > clerkthrottle.Production, "WithInstanceType(%v): no such instance type", t)
	return func(c *config) { c.instanceType = t }
}

// WithInstanceKeys makes several secret keys one instance, with one budget. Without
// it every key is its own instance. Under Auto the first key sets the type. Give the
// option once per instance.
func WithInstanceKeys(keys ...string) Option {
	keys = slices.Clone(keys)
	return func(c *config) {
		for _, k := range keys {
			c.sameAs[k] = keys[0]
		}
	}
}

// WithLimits replaces the documented limits with the given rows, for both instance
// types; without rows there is no limit. A row with nil Operations counts every
// Backend request except GET /v1/jwks. N and Window must be positive, names not
// empty, and operations of the form "METHOD /path/{template}".
func WithLimits(rows ...clerkthrottle.Limit) Option {
	rows = slices.Clone(rows)
	for _, row := range rows {
		refuse(row.N < 1 || row.Window <= 0 || row.Name == "", "WithLimits: row %q: %d per %v: name, N and Window must be set", row.Name, row.N, row.Window)
	}
	return func(c *config) { c.limits = append([]clerkthrottle.Limit{}, rows...) }
}

// WithAlgorithm sets how windows are counted. Default: [SlidingLog].
func WithAlgorithm(a Algorithm) Option {
	refuse(a < SlidingLog || a > TokenBucket, "WithAlgorithm(%v): no such algorithm", a)
	return func(c *config) { c.algorithm = a }
}

// WithPhase puts the edges of [FixedWindow] at whole multiples of the window since
// the Unix epoch, plus offset. By default they are whole multiples of the window
// after the first request that the bucket accepted; a bucket that is idle for a
// window may start anew.
func WithPhase(offset time.Duration) Option {
	return func(c *config) { c.phase, c.phased = offset, true }
}

// WithBlocking sets whether a 429 blocks its endpoint until its Retry-After ends.
// Default: true, as Clerk documents it. If false, the server only counts.
func WithBlocking(on bool) Option {
	return func(c *config) { c.blocking = on }
}

// RetryAfter is the form of a 429's Retry-After header.
type RetryAfter int

const (
	// RetryAfterSeconds is whole seconds, rounded up, at least 1. The default.
	RetryAfterSeconds RetryAfter = iota
	// RetryAfterDate is an HTTP date, rounded up; the block ends at that date.
	RetryAfterDate
	// RetryAfterOmitted is no header. The endpoint is blocked all the same.
	RetryAfterOmitted
)

// WithRetryAfter sets the form of the Retry-After header.
func WithRetryAfter(form RetryAfter) Option {
	refuse(form < RetryAfterSeconds || form > RetryAfterOmitted, "WithRetryAfter(%d): no such form", form)
	return func(c *config) { c.retryAfter = form }
}

// WithBlockTime fixes how long a 429 blocks its endpoint, rounded up to whole
// seconds. By default it is the time until the limit has room again.
func WithBlockTime(d time.Duration) Option {
	refuse(d <= 0, "WithBlockTime(%v): must be positive", d)
	return func(c *config) { c.blockTime = d }
}

// WithLatency sets how long a round trip takes. Default: 0.
func WithLatency(l Latency) Option {
	refuse(l == nil, "WithLatency(nil)")
	return func(c *config) { c.latency = l }
}

// WithServiceTime sets how long Clerk works on an accepted request, between its
// arrival and the answer's way back. Default: 0.
func WithServiceTime(l Latency) Option {
	refuse(l == nil, "WithServiceTime(nil)")
	return func(c *config) { c.serviceTime = l }
}

// WithSeed seeds the latencies. Default: 1. The same seed gives the same sequence of
// draws; which of several concurrent requests gets which draw depends on the
// scheduler.
func WithSeed(seed uint64) Option {
	return func(c *config) { c.seed = seed }
}

// WithLateArrivals makes a request arrive on time even if its context ends on the
// way, as bytes already sent do on a real network. By default such a request was
// never sent.
func WithLateArrivals() Option {
	return func(c *config) { c.lateArrivals = true }
}

// WithFault sets a function that returns what goes wrong with each request: the zero
// [Fault] for nothing. n numbers the server's requests from 1, in the order sent. f
// is called concurrently and without a lock; it must neither change r nor read its
// body.
func WithFault(f func(r *http.Request, n int) Fault) Option {
	refuse(f == nil, "WithFault(nil)")
	return func(c *config) { c.fault = f }
}

// WithLogSize sets how many of the latest requests [Server.Requests] returns.
// Default: [DefaultLogSize]. 0 turns the log off; [Stats] and [Server.MaxInWindow] do
// not depend on it.
func WithLogSize(n int) Option {
	refuse(n < 0, "WithLogSize(%d): must not be negative", n)
	return func(c *config) { c.logSize = n }
}

// WithHandler answers accepted requests with h instead of small default objects. h is
// called when the request arrives, for one request at a time, with a copy of it: it
// must not wait or use the server. A [Fault] with a Status takes precedence.
func WithHandler(h http.Handler) Option {
	refuse(h == nil, "WithHandler(nil)")
	return func(c *config) { c.handler = h }
}
