// Package transport is the mechanism of a client-side throttle: an
// [http.RoundTripper] that lets a request out only when the server has room for
// it, and that waits a 429 out before it tries again. It knows no number of any
// particular API; a [Config] brings those, and package clerkthrottle is the
// Config for Clerk.
//
// [Transport.RoundTrip] is a request's way in six steps. What the steps decide
// is the business of a [Budget]: gates that a 429 closes, buckets that guard
// the limits, and a rate learned from 429s.
package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// DefaultMaxWait is how long one request may wait in all unless told otherwise:
// one minute is six of Clerk's 10 s windows.
const DefaultMaxWait = time.Minute

// Config describes a [Transport]. Classify is required.
type Config struct {
	// Base sends the requests; default [http.DefaultTransport].
	Base http.RoundTripper
	// Classify says what a request draws on; nil means that it is none of the
	// throttle's business and passes through untouched. It is called once for
	// every request, concurrently, and must not change the request.
	Classify func(*http.Request) *Claim
	// Ruled reports whether the body of a 429 (its first 64 KiB) names a rule
	// that no waiting cures: such an answer goes back to the caller at once.
	// Default: never.
	Ruled func(body []byte) bool
	// Budget keeps the counts; default a new [NewLocalBudget], which Close
	// closes. A Budget given here stays the caller's to close.
	Budget Budget
	// MaxWait is how long one request may wait in all, its retries included.
	// Zero means never: a request that cannot go at once is refused.
	MaxWait time.Duration
	// Local describes the budget that is made where Budget is nil.
	Local LocalConfig
	// Priority is the class of requests whose context names none; default
	// [Normal].
	Priority Priority
	// Observers are told what the throttle does.
	Observers []*Observer
}

// Transport throttles the requests that its Config claims. It is safe for
// concurrent use. Use [New].
type Transport struct {
	base      http.RoundTripper
	classify  func(*http.Request) *Claim
	ruled     func(body []byte) bool
	budget    Budget
	ownBudget bool
	maxWait   time.Duration
	priority  Priority
	dryRun    bool
	hooks     hooks
}

// New returns a Transport, or an error that names the field that is wrong.
func New(cfg Config) (*Transport, error) {
	if cfg.Classify == nil {
		return nil, errors.New("transport: Config.Classify is nil: nothing would be throttled")
	}
	if cfg.MaxWait < 0 {
		return nil, fmt.Errorf("transport: Config.MaxWait is %s: it must not be negative", cfg.MaxWait)
	}
	if cfg.Budget != nil && cfg.Local != (LocalConfig{}) {
		return nil, errors.New("transport: Config.Local describes a budget, and Config.Budget is one: they exclude each other")
	}
	for i, o := range cfg.Observers {
		if o == nil {
			return nil, fmt.Errorf("transport: Config.Observers[%d] is nil", i)
		}
	}
	t := &Transport{
		base:     cfg.Base,
		classify: cfg.Classify,
		ruled:    cfg.Ruled,
		budget:   cfg.Budget,
		maxWait:  cfg.MaxWait,
		priority: cfg.Priority,
		hooks:    newHooks(cfg.Observers),
	}
	if t.base == nil {
		t.base = http.DefaultTransport
	}
	if t.ruled == nil {
		t.ruled = func([]byte) bool { return false }
	}
	if t.budget == nil {
		budget, err := cfg.Local.NewBudget()
		if err != nil {
			return nil, err
		}
		t.budget, t.ownBudget = budget, true
	}
	if b, ok := t.budget.(*localBudget); ok {
		t.dryRun = b.cfg.DryRun
	}
	if b, ok := t.budget.(ObservableBudget); ok {
		for _, o := range cfg.Observers {
			b.Observe(o)
		}
	}
	return t, nil
}

// RoundTrip sends a request when its limits have room. It waits as long as the
// request's context and the configured bound allow and returns a
// [*ThrottledError] where that would not be enough. A 429 is waited out and
// tried again within the same bound; beyond it the 429 itself is returned.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	// 1. Classify: what does the request draw on?
	claim := t.classify(req)
	if claim == nil {
		return t.base.RoundTrip(req)
	}
	out, body, err := replayable(req)
	if err != nil {
		return nil, err
	}

	// 2. Gate, and 3. buckets: wait for an open endpoint and a token of each.
	lease, err := t.acquire(req.Context(), claim, t.maxWait)
	if err != nil {
		closeBody(out)
		return nil, err
	}

	// 4. Send, and 5. settle: tell the budget what became of it.
	answer := t.send(out, claim, lease, 1)

	// 6. Retry, if it is one.
	if t.dryRun || !answer.retryable(out, body) {
		return answer.resp, answer.err
	}
	return t.retry(out, body, claim, lease.Waited(), answer)
}

// acquire asks the budget, and tells the observers what came of it.
func (t *Transport) acquire(ctx context.Context, claim *Claim, maxWait time.Duration) (Lease, error) {
	ctx = t.classed(ctx)
	lease, err := t.budget.Acquire(ctx, claim, maxWait)
	switch {
	case err != nil:
		t.hooks.tellRefused(ctx, err)
	case len(t.hooks.waited) > 0 && lease.Waited() > 0:
		t.hooks.tellWaited(ctx, claim, lease, t.dryRun)
	}
	return lease, err
}

// Estimate returns how long a request like this one would wait if it came now:
// a lower bound, since it takes answers to come at once. It sends nothing. A
// request that is none of the throttle's business waits for nothing. The error
// tells that the budget cannot say.
func (t *Transport) Estimate(req *http.Request) (time.Duration, error) {
	claim := t.classify(req)
	if claim == nil {
		return 0, nil
	}
	b, ok := t.budget.(EstimatingBudget)
	if !ok {
		return 0, fmt.Errorf("transport: %T does not estimate waits", t.budget)
	}
	return b.Estimate(t.classed(req.Context()), claim), nil
}

// classed gives the requests of a context that names no class the transport's.
func (t *Transport) classed(ctx context.Context) context.Context {
	if t.priority == Normal || termsOf(ctx).chosen {
		return ctx
	}
	return WithPriority(ctx, t.priority)
}

// Snapshot describes the budget's buckets and gates as they are now.
func (t *Transport) Snapshot() Snapshot { return t.budget.Snapshot() }

// Close refuses all requests that wait and all that come after, unless the
// budget was given to [Config]: that one is its owner's to close. Requests
// under way are left to finish.
func (t *Transport) Close() error {
	if !t.ownBudget {
		return nil
	}
	return t.budget.Close()
}

// CloseIdleConnections closes the idle connections of the base transport, so
// that [http.Client.CloseIdleConnections] reaches it.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
