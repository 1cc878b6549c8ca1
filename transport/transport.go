// Package transport is the mechanism of a client-side throttle. A [Transport] is an
// [http.RoundTripper] that sends a request only when the server has room for it, and
// waits out a 429 before it retries. [New] makes one from a [Config], which supplies
// the API's limits; package clerkthrottle does so for Clerk.
//
// [Transport.RoundTrip] takes a request through six steps. A scheduler decides when
// to send it, by gates that a 429 closes, buckets that guard the limits, and a rate
// learned from 429s. A [Budget] shares the buckets among several programs.
package transport

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// The defaults of a Config.
const (
	defaultMaxWait       = time.Minute
	defaultAnswerTimeout = 2 * time.Minute
	defaultMaxKeys       = 100_000 // about 350 bytes each, see clerkthrottle.WithMaxKeys
)

// Config configures a [Transport]. Classify is required.
type Config struct {
	// Base sends the requests. Default [http.DefaultTransport].
	Base http.RoundTripper
	// Classify returns the limits that a request draws on; nil lets the request
	// through untouched. It is called once per request, concurrently, and must not
	// modify the request.
	Classify func(*http.Request) *Claim
	// Ruled reports whether the body of a 429 (its first 64 KiB) names a rule that
	// waiting does not cure. Such a 429 is returned at once. Default: never.
	Ruled func(body []byte) bool
	// Budget holds the tokens of all limits, shared with other programs. Default
	// nil: the tokens are this transport's own.
	Budget Budget
	// SameAs makes this transport share the tokens, queues and gates
	// of another, whose reserves, MaxQueue, MaxKeys, RetryBudget and DryRun apply
	// here as well.
	SameAs *Transport
	// MaxWait bounds how long one request may wait in total, retries included. Zero
	// means one minute; negative means never wait: a request that cannot be sent at
	// once is refused.
	MaxWait time.Duration
	// AnswerTimeout bounds one attempt, from sending (connecting included) to the
	// response header. Past it the attempt fails with an error whose Timeout method
	// reports true. Without it, a request that is never answered would hold its
	// tokens forever. It does not cover the response body. Zero means two minutes;
	// negative means no bound.
	AnswerTimeout time.Duration
	// RetryBudget bounds retries of failures. Nil means a fifth of the requests plus
	// ten a minute.
	RetryBudget *RetryBudget
	// Priority is the class of requests whose context sets none. Default [Normal].
	// With [Batch], learned rates yield to programs with another default.
	Priority Priority
	// Observers are notified of what the throttle does.
	Observers []*Observer

	// ReserveInteractive and ReserveNormal are fractions of a claim's last limit,
	// unless it is private, that lower classes leave alone: the first for
	// [Interactive], the second for [Normal] and above. As long as a class keeps to
	// its fraction, its requests find a token at once. Only as much of a fraction
	// stays idle as the class can need before enough spent tokens come back. Both
	// are ≥ 0 and their sum is < 1; default 0.
	ReserveInteractive, ReserveNormal float64
	// MaxQueue bounds how many requests may wait. Past it the newest request of the
	// lowest class is refused with [ReasonQueueFull]. 0: no bound.
	MaxQueue int
	// MaxKeys bounds how many limits are tracked, and how many endpoints. Idle ones
	// are evicted first; when all are in use, new keys share one bucket per name. A
	// key that gets a bucket of its own later may use its limit twice in that window.
	// 0 means 100,000.
	MaxKeys int
	// DryRun computes every wait but delays nothing: requests are sent at once, 429s
	// are returned, and observers see how long each request would have waited. With
	// no queue each wait is computed alone: in lasting overload real waits are longer.
	DryRun bool
}

// Transport is an [http.RoundTripper] that throttles the requests its Config
// classifies. It is safe for concurrent use. Use [New].
type Transport struct {
	cfg       Config
	scheduler *scheduler
	observer  Observer // all of cfg.Observers
}

// New returns a Transport, or an error that names the invalid field.
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

// check returns an error that names the invalid field.
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
		if !(f.value >= 0 && f.value < 1) { // also refuses NaN
			return fmt.Errorf("transport: Config.%s is %v: want 0 ≤ fraction < 1", f.name, f.value)
		}
	}
	switch {
	case cfg.Classify == nil:
		return errors.New("transport: Config.Classify is nil: nothing would be throttled")
	case throttles(cfg.Base):
		return errors.New("transport: Config.Base is or wraps a Transport: every request would be throttled twice")
	case cfg.RetryBudget != nil && (!(cfg.RetryBudget.Fraction >= 0 && cfg.RetryBudget.Fraction <= maxFailures) || cfg.RetryBudget.Free < 0): // also refuses NaN
		return fmt.Errorf("transport: Config.RetryBudget is %+v: want 0 ≤ Fraction ≤ %d and Free ≥ 0", *cfg.RetryBudget, maxFailures)
	case cfg.ReserveInteractive+cfg.ReserveNormal >= 1:
		return fmt.Errorf("transport: Config.ReserveInteractive and ReserveNormal are %v and %v: together they must be below 1", cfg.ReserveInteractive, cfg.ReserveNormal)
	case cfg.MaxQueue < 0:
		return fmt.Errorf("transport: Config.MaxQueue is %d: it must not be negative", cfg.MaxQueue)
	case cfg.MaxKeys < 0:
		return fmt.Errorf("transport: Config.MaxKeys is %d: it must not be negative", cfg.MaxKeys)
	case cfg.SameAs != nil && cfg.Budget != nil:
		return errors.New("transport: Config.SameAs and Budget are mutually exclusive")
	case cfg.SameAs != nil && (cfg.ReserveInteractive != 0 || cfg.ReserveNormal != 0 || cfg.MaxQueue != 0 || cfg.MaxKeys != 0 || cfg.RetryBudget != nil || cfg.DryRun):
		return errors.New("transport: Config.SameAs: reserves, bounds, retry budget and dry run are the other transport's: set them there")
	}
	return nil
}

// reserveOf returns how much of a limit each class must leave; nil: nothing.
func (cfg *Config) reserveOf(l *Limit) *reserve {
	if cfg.ReserveInteractive == 0 && cfg.ReserveNormal == 0 || l.Private {
		return nil
	}
	// Rounded up, but not for a rounding error in the sum of fractions. One token is
	// always open to all classes.
	of := func(fraction float64) int { return min(int(math.Ceil(fraction*float64(l.N)-1e-9)), l.N-1) }
	return reserveFrom(snapshot.Classes{Normal: of(cfg.ReserveInteractive), Batch: of(cfg.ReserveInteractive + cfg.ReserveNormal)})
}

// RoundTrip sends the request once its limits have room. It waits as long as the
// request's context and [Config.MaxWait] allow; if that would not be enough, it
// returns a [*ThrottledError] at once. It waits out a 429 and retries within the same
// bound; if that does not suffice, it returns the 429 itself.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	// 1. Classify: which limits does the request draw on?
	claim := t.cfg.Classify(req)
	if claim == nil {
		return t.cfg.Base.RoundTrip(req)
	}
	ctx, stop := waitContext(req)
	defer stop()
	out, body := record(req)
	defer body.release()

	// 2. Gate, and 3. buckets: wait for the gate to open and a token of each limit.
	permit, err := t.acquire(ctx, claim, t.cfg.MaxWait)
	if err != nil {
		closeBody(out)
		return nil, err
	}

	// 4. Send, and 5. settle: report the outcome to the scheduler.
	answer := t.send(out, claim, permit, 1)

	// 6. Retry, if that can help.
	if !t.scheduler.cfg.DryRun && answer.retryable(out, body) {
		answer = t.retry(ctx, out, body, claim, permit.last().left(), answer)
	}
	if answer.resp != nil && answer.resp.Request != nil { // a stub may return one response to all
		answer.resp.Request = req
	}
	return answer.resp, answer.err
}

// acquire gets a permit from the scheduler and notifies the observers.
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

// Estimate returns how long this request would wait if it were sent now, and sends
// nothing. It assumes that answers keep taking as long as they have on average. It
// is 0 for a request that is not throttled.
func (t *Transport) Estimate(req *http.Request) time.Duration {
	claim := t.cfg.Classify(req)
	if claim == nil {
		return 0
	}
	return t.scheduler.estimate(t.withDefaultPriority(req.Context()), claim)
}

// withDefaultPriority gives a context that sets no class the transport's.
func (t *Transport) withDefaultPriority(ctx context.Context) context.Context {
	if t.cfg.Priority == Normal || termsOf(ctx).chosen {
		return ctx
	}
	return WithPriority(ctx, t.cfg.Priority)
}

// Snapshot returns the current state of the buckets and gates.
func (t *Transport) Snapshot() Snapshot { return t.scheduler.snapshot() }

// Close refuses all waiting and all later requests; those in flight finish. With a
// [Budget] it takes up to a second, to give tokens back. With [Config.SameAs] it does
// nothing.
func (t *Transport) Close() error {
	if t.cfg.SameAs != nil {
		return nil
	}
	return t.scheduler.close()
}

// CloseIdleConnections closes the base transport's idle connections.
// [http.Client.CloseIdleConnections] calls it.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.cfg.Base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
