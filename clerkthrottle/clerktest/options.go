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
	sameAs       map[string]string     // key → the first of its instance
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

// DefaultLogSize is how many requests [Server.Requests] remembers by default.
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

// refuse panics over a mistake in the test.
func refuse(wrong bool, format string, args ...any) {
	if wrong {
		panic(fmt.Sprintf("clerktest: "+format, args...))
	}
}

// WithInstanceType sets what kind of instance every secret key belongs to. The
// default, Auto, reads it off each key's prefix: sk_live_ (or live_) is a
// production instance, every other key a development instance.
func WithInstanceType(t clerkthrottle.InstanceType) Option {
	refuse(t < clerkthrottle.Auto || t > clerkthrottle.Production, "WithInstanceType(%v): no such instance type", t)
	return func(c *config) { c.instanceType = t }
}

// WithInstanceKeys makes several secret keys one instance, with one budget. Without
// it every key is an instance of its own. Under Auto the first key tells the type.
// The option can be given once for each instance.
func WithInstanceKeys(keys ...string) Option {
	keys = slices.Clone(keys)
	return func(c *config) {
		for _, k := range keys {
			c.sameAs[k] = keys[0]
		}
	}
}

// WithLimits replaces the documented limits by the given rows, for every
// instance type: none at all means no limit. A row with nil Operations counts
// every Backend request but GET /v1/jwks. N and Window must be positive, names
// not empty, operations written "METHOD /path/{template}".
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

// WithPhase puts the edges of [FixedWindow] at whole multiples of the window
// since the Unix epoch, plus offset. By default they are whole multiples of the
// window after the first request that the bucket accepted; a bucket that is idle
// for a window may begin anew.
func WithPhase(offset time.Duration) Option {
	return func(c *config) { c.phase, c.phased = offset, true }
}

// WithBlocking says whether a 429 blocks its endpoint until its Retry-After
// ends. Default true, as Clerk documents it; without, the server only counts.
func WithBlocking(on bool) Option {
	return func(c *config) { c.blocking = on }
}

// RetryAfter is the form in which a 429 says how long the block lasts.
type RetryAfter int

const (
	// RetryAfterSeconds: whole seconds, rounded up, at least 1. The default.
	RetryAfterSeconds RetryAfter = iota
	// RetryAfterDate: an HTTP date, rounded up; the block ends at that date.
	RetryAfterDate
	// RetryAfterOmitted: no header. The endpoint is blocked all the same.
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

// WithLatency sets how long a round trip takes. Default: no time at all.
func WithLatency(l Latency) Option {
	refuse(l == nil, "WithLatency(nil)")
	return func(c *config) { c.latency = l }
}

// WithServiceTime sets how long Clerk works on an accepted request: it passes
// after the arrival and before the answer's way back. Default: no time at all.
func WithServiceTime(l Latency) Option {
	refuse(l == nil, "WithServiceTime(nil)")
	return func(c *config) { c.serviceTime = l }
}

// WithSeed seeds the latencies. Default: 1. The same seed gives the
// same sequence of draws; which of several concurrent requests gets which draw
// is up to the scheduler.
func WithSeed(seed uint64) Option {
	return func(c *config) { c.seed = seed }
}

// WithLateArrivals lets a request whose context ends on its way up arrive all
// the same, at its time, as bytes that were sent do on a real network. By
// default such a request was never sent.
func WithLateArrivals() Option {
	return func(c *config) { c.lateArrivals = true }
}

// WithFault calls f for every request, to learn what is to go wrong with it: the
// zero [Fault] for nothing. n counts the requests of the server, from 1, in the order
// they were sent. f is called from many goroutines, without a lock; it must
// neither change r nor read its body.
func WithFault(f func(r *http.Request, n int) Fault) Option {
	refuse(f == nil, "WithFault(nil)")
	return func(c *config) { c.fault = f }
}

// WithLogSize sets how many requests, the latest, [Server.Requests] remembers.
// Default: [DefaultLogSize]. 0 turns the log off; the counts in [Stats] and
// [Server.MaxInWindow] do not depend on it.
func WithLogSize(n int) Option {
	refuse(n < 0, "WithLogSize(%d): must not be negative", n)
	return func(c *config) { c.logSize = n }
}

// WithHandler lets h answer what the limits let through, in place of small
// generic objects. It is called at the moment at which the request arrives, for
// one request at a time, with a copy of it: it must not wait, nor use the server.
// A [Fault] with a Status goes before it.
func WithHandler(h http.Handler) Option {
	refuse(h == nil, "WithHandler(nil)")
	return func(c *config) { c.handler = h }
}
