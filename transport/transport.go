// Package transport is the mechanism of a client-side throttle: an
// [http.RoundTripper] that lets a request out only when the server has room for
// it, and that waits a 429 out before it tries again. It knows no number of any
// particular API; a [Config] brings those, and package clerkthrottle is the
// Config for Clerk.
//
// [Transport.RoundTrip] is a request's way in six steps. When it may be sent is the
// scheduler's decision: by gates that a 429 closes, buckets that guard the limits,
// and a rate learned from 429s. A [Budget] has several programs share the buckets.
package transport

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"
)

// What holds unless a Config says otherwise.
const (
	defaultMaxWait       = time.Minute
	defaultAnswerTimeout = 2 * time.Minute
	defaultMaxKeys       = 100_000 // a live one takes about 350 bytes
)

// Config describes a [Transport]. Classify is required.
type Config struct {
	// Base sends the requests; default [http.DefaultTransport].
	Base http.RoundTripper
	// Classify says what a request draws on; nil means nothing: it is not throttled
	// and passes through untouched. It is called once for every request,
	// concurrently, and must not change the request.
	Classify func(*http.Request) *Claim
	// Ruled reports whether the body of a 429 (its first 64 KiB) names a rule
	// that no waiting cures: such an answer goes back to the caller at once.
	// Default: never.
	Ruled func(body []byte) bool
	// Budget holds the tokens of all limits, for several programs; default none:
	// they are this transport's own.
	Budget Budget
	// SameAs has the transport draw on the tokens of another one, stand in its
	// lines and heed its gates. What the fields below describe is the other's.
	SameAs *Transport
	// MaxWait is how long one request may wait in all, its retries included. Zero:
	// one minute; negative: none, so that a request that cannot go at once is
	// refused.
	MaxWait time.Duration
	// AnswerTimeout bounds how long one attempt may take from its sending,
	// connecting included, until the header of its answer is in: past it the
	// attempt ends, as a failure whose Timeout method reports true. A request that
	// is never answered would hold its tokens for ever. The answer's body may take
	// as long as it likes. Zero: two minutes; negative: no bound.
	AnswerTimeout time.Duration
	// RetryBudget bounds retries of failures; nil: a fifth of the requests, and ten
	// a minute.
	RetryBudget *RetryBudget
	// Priority is the class of requests whose context names none; default
	// [Normal]. Where it is [Batch], rates learned from 429s yield to programs that
	// do not.
	Priority Priority
	// Observers are told what the throttle does.
	Observers []*Observer

	// ReserveInteractive and ReserveNormal are fractions of every limit that is not
	// private, which lower classes leave alone: the first for [Interactive], the
	// second for [Normal] and above. A request of the class finds a token at once as
	// long as the class keeps to its fraction of the limit; and of the fraction
	// only as much is kept idle as the class can need before enough spent
	// tokens have come back. 0 ≤ each, and together < 1; default 0.
	ReserveInteractive, ReserveNormal float64
	// MaxQueue bounds how many requests may wait. Past it the latest request of
	// the lowest class is refused, with [ReasonQueueFull]. 0: no bound.
	MaxQueue int
	// MaxKeys bounds how many limits are kept count of, and as many endpoints. What
	// is idle is forgotten first; where all are in use, the requests of further
	// keys share one bucket of each name. 0: 100,000.
	MaxKeys int
	// DryRun computes everything and holds nobody back: requests are sent at
	// once, 429s are handed back, and what would have been waited is reported:
	// by each request alone, since there is no line. In a lasting overload the
	// true waits would be longer.
	DryRun bool
}

// Transport throttles the requests that its Config claims. It is safe for
// concurrent use. Use [New].
type Transport struct {
	cfg       Config
	scheduler *scheduler
	observer  Observer // all of them
}

// New returns a Transport, or an error that names the field that is wrong.
func New(cfg Config) (*Transport, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Base == nil {
		cfg.Base = http.DefaultTransport
	}
	if cfg.Ruled == nil {
		cfg.Ruled = func([]byte) bool { return false }
	}
	if cfg.MaxKeys == 0 {
		cfg.MaxKeys = defaultMaxKeys
	}
	if cfg.RetryBudget == nil {
		cfg.RetryBudget = &defaultRetryBudget
	}
	if cfg.AnswerTimeout == 0 {
		cfg.AnswerTimeout = defaultAnswerTimeout
	}
	switch {
	case cfg.MaxWait == 0:
		cfg.MaxWait = defaultMaxWait
	case cfg.MaxWait < 0:
		cfg.MaxWait = 0
	}
	t := &Transport{cfg: cfg, observer: joined(cfg.Observers)}
	if cfg.SameAs != nil {
		t.scheduler = cfg.SameAs.scheduler
		t.scheduler.observe(cfg.Observers)
	} else {
		t.scheduler = newScheduler(&t.cfg)
	}
	return t, nil
}

// check returns an error that names the field that is wrong.
func (cfg *Config) check() error {
	for i, o := range cfg.Observers {
		if o == nil {
			return fmt.Errorf("transport: Config.Observers[%d] is nil", i)
		}
	}
	for _, f := range []struct {
		name  string
		value float64
	}{{"ReserveInteractive", cfg.ReserveInteractive}, {"ReserveNormal", cfg.ReserveNormal}} {
		if !(f.value >= 0 && f.value < 1) { // NaN fails, too
			return fmt.Errorf("transport: Config.%s is %v: want 0 ≤ fraction < 1", f.name, f.value)
		}
	}
	switch {
	case cfg.Classify == nil:
		return errors.New("transport: Config.Classify is nil: nothing would be throttled")
	case throttles(cfg.Base):
		return errors.New("transport: Config.Base is, or is over, a throttle: every request would wait twice")
	case cfg.RetryBudget != nil && (!(cfg.RetryBudget.Fraction >= 0 && cfg.RetryBudget.Fraction <= maxFailures) || cfg.RetryBudget.Free < 0): // NaN fails, too
		return fmt.Errorf("transport: Config.RetryBudget is %+v: want 0 ≤ Fraction ≤ %d and Free ≥ 0", *cfg.RetryBudget, maxFailures)
	case cfg.ReserveInteractive+cfg.ReserveNormal >= 1:
		return fmt.Errorf("transport: Config.ReserveInteractive and ReserveNormal are %v and %v: together they must be below 1", cfg.ReserveInteractive, cfg.ReserveNormal)
	case cfg.MaxQueue < 0:
		return fmt.Errorf("transport: Config.MaxQueue is %d: it must not be negative", cfg.MaxQueue)
	case cfg.MaxKeys < 0:
		return fmt.Errorf("transport: Config.MaxKeys is %d: it must not be negative", cfg.MaxKeys)
	case cfg.SameAs != nil && cfg.Budget != nil:
		return errors.New("transport: Config.SameAs and Budget exclude each other")
	case cfg.SameAs != nil && (cfg.ReserveInteractive != 0 || cfg.ReserveNormal != 0 || cfg.MaxQueue != 0 || cfg.MaxKeys != 0 || cfg.DryRun):
		return errors.New("transport: Config.SameAs names a transport whose reserves, bounds and dry run hold for this one, too")
	}
	return nil
}

// reserveOf returns what each class must leave of a limit; nil: nothing.
func (cfg *Config) reserveOf(l *Limit) *reserve {
	if cfg.ReserveInteractive == 0 && cfg.ReserveNormal == 0 || l.Private {
		return nil
	}
	// Rounded up, but not for the last bit of a sum of fractions. One token is
	// always for everybody.
	of := func(fraction float64) int { return min(int(math.Ceil(fraction*float64(l.N)-1e-9)), l.N-1) }
	return reserveFrom(Classes{Normal: of(cfg.ReserveInteractive), Batch: of(cfg.ReserveInteractive + cfg.ReserveNormal)})
}

// RoundTrip sends a request when its limits have room. It waits as long as the
// request's context and the configured bound allow and returns a
// [*ThrottledError] where that would not be enough. A 429 is waited out and
// tried again within the same bound; beyond it the 429 itself is returned.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	// 1. Classify: what does the request draw on?
	claim := t.cfg.Classify(req)
	if claim == nil {
		return t.cfg.Base.RoundTrip(req)
	}
	ctx, stop := waitContext(req)
	defer stop()
	out, body := record(req)
	defer body.release()

	// 2. Gate, and 3. buckets: wait for an open endpoint and a token of each.
	permit, err := t.acquire(ctx, claim, t.cfg.MaxWait)
	if err != nil {
		closeBody(out)
		return nil, err
	}

	// 4. Send, and 5. settle: tell the scheduler what became of it.
	answer := t.send(out, claim, permit, 1)

	// 6. Retry, if it is one.
	if !t.scheduler.cfg.DryRun && answer.retryable(out, body) {
		answer = t.retry(ctx, out, body, claim, permit.last().left(), answer)
	}
	if answer.resp != nil && answer.resp.Request != nil { // a stub's answer may be everybody's
		answer.resp.Request = req
	}
	return answer.resp, answer.err
}

// acquire asks the scheduler, and tells the observers what came of it.
func (t *Transport) acquire(ctx context.Context, claim *Claim, maxWait time.Duration) (*permit, error) {
	ctx = t.withDefaultPriority(ctx)
	p, err := t.scheduler.acquire(ctx, claim, maxWait)
	switch {
	case err != nil:
		t.tellRefused(ctx, err)
	case t.observer.Waited != nil && p.Waited() > 0:
		t.tellWaited(ctx, claim, p)
	}
	return p, err
}

// Estimate returns how long a request like this one would wait if it came now:
// a lower bound, since it takes answers to come at once. It sends nothing. For a
// request that is not throttled it is 0.
func (t *Transport) Estimate(req *http.Request) time.Duration {
	claim := t.cfg.Classify(req)
	if claim == nil {
		return 0
	}
	return t.scheduler.estimate(t.withDefaultPriority(req.Context()), claim)
}

// classed gives the requests of a context that names no class the transport's.
func (t *Transport) withDefaultPriority(ctx context.Context) context.Context {
	if t.cfg.Priority == Normal || termsOf(ctx).chosen {
		return ctx
	}
	return WithPriority(ctx, t.cfg.Priority)
}

// Snapshot describes the buckets and gates as they are now.
func (t *Transport) Snapshot() Snapshot { return t.scheduler.snapshot() }

// Close refuses all requests that wait and all that come after, unless it draws on
// the tokens of another transport. Requests under way are left to finish. With a
// [Budget] it takes up to a second, to give back what is owned.
func (t *Transport) Close() error {
	if t.cfg.SameAs != nil {
		return nil
	}
	return t.scheduler.close()
}

// CloseIdleConnections closes the idle connections of the base transport, so
// that [http.Client.CloseIdleConnections] reaches it.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.cfg.Base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
