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
}

// New returns a Transport, or an error that names the field that is wrong.
func New(cfg Config) (*Transport, error) {
	if cfg.Classify == nil {
		return nil, errors.New("transport: Config.Classify is nil: nothing would be throttled")
	}
	if cfg.MaxWait < 0 {
		return nil, fmt.Errorf("transport: Config.MaxWait is %s: it must not be negative", cfg.MaxWait)
	}
	t := &Transport{
		base:     cfg.Base,
		classify: cfg.Classify,
		ruled:    cfg.Ruled,
		budget:   cfg.Budget,
		maxWait:  cfg.MaxWait,
	}
	if t.base == nil {
		t.base = http.DefaultTransport
	}
	if t.ruled == nil {
		t.ruled = func([]byte) bool { return false }
	}
	if t.budget == nil {
		t.budget, t.ownBudget = NewLocalBudget(), true
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
	lease, err := t.budget.Acquire(req.Context(), claim, t.maxWait)
	if err != nil {
		closeBody(out)
		return nil, err
	}

	// 4. Send, and 5. settle: tell the budget what became of it.
	answer := t.send(out, lease)

	// 6. Retry, if it is one.
	if !answer.retryable(out, body) {
		return answer.resp, answer.err
	}
	return t.retry(out, body, claim, lease.Waited(), answer)
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
