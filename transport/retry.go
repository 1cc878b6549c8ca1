package transport

import (
	"context"
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/clerkthrottle/clerkthrottle-go/internal/retryafter"
)

// Retrying after a failure that is not a 429: three more tries, the first after
// about half a second. How often a 429 is tried again has no number: every one
// closes the gate for a while, and the request's bound ends it.
const (
	maxFailures       = 3
	failureInitial    = 500 * time.Millisecond
	failureMultiplier = 2
	failureMax        = 5 * time.Second
)

// retryable reports whether sending the request once more can help and does no
// harm. A 429 was not carried out, so any method may be repeated. A 502, 503,
// 504 or broken connection leaves that open, so only a request that is safe to
// repeat is; and one that never left, always.
func (a *answer) retryable(req *http.Request, body getBody) bool {
	if body == nil || req.Context().Err() != nil {
		return false
	}
	switch {
	case a.outcome == Throttled || a.outcome == ThrottledBlind:
		return true
	case a.outcome == Unsent:
		return true
	case a.err != nil:
		return idempotent(req)
	}
	switch a.resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return idempotent(req)
	}
	return false
}

// idempotent reports whether a request may be carried out twice: by its method
// (RFC 9110, section 9.2.2), or because it carries a key by which the server
// knows it again, under the names that net/http goes by.
func idempotent(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return req.Header.Get("Idempotency-Key") != "" || req.Header.Get("X-Idempotency-Key") != ""
}

// call is one request that is being tried again.
type call struct {
	t        *Transport
	req      *http.Request
	ctx      context.Context // the request's, marked as one that was tried before
	body     getBody
	claim    *Claim
	attempt  int           // how many there were
	left     time.Duration // what is left of the request's bound
	answer   answer        // of the last attempt
	started  bool          // the engine has been shown the first attempt's answer
	refused  bool          // the budget would not let it go once more
	failures int           // answers and errors other than a 429
	pause    time.Duration // before the next attempt
	backoff  *backoff.ExponentialBackOff
}

// retry hands the request to go-retryablehttp, which goes on from the answer of
// the first attempt: it asks the policy below whether to try again, sleeps for
// as long as the policy says, and returns. Attempts pass the gate and the
// buckets like every other request, and a 429 is waited out there, not here.
//
// The engine sees neither the request nor a body, only shells of them. The last
// answer is kept aside, and handed back as it came where the next attempt could
// not be made within the bound.
func (t *Transport) retry(req *http.Request, body getBody, claim *Claim, waited time.Duration, first answer) (*http.Response, error) {
	again := termsOf(req.Context())
	again.attempt++
	c := &call{
		t: t, req: req, ctx: again.in(req.Context()), body: body, claim: claim,
		attempt: 1, left: max(t.cfg.MaxWait-waited, 0), answer: first,
	}
	engine := retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     c,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     math.MaxInt, // the policy counts
		CheckRetry:   c.policy,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return c.pause },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	shell, err := retryablehttp.NewRequestWithContext(req.Context(), http.MethodGet, "http://throttled.invalid", nil)
	if err == nil {
		_, err = engine.Do(shell) //nolint:bodyclose // a shell's body is empty
	}
	if err != nil && errors.Is(req.Context().Err(), context.Canceled) {
		discard(c.answer.resp)
		return nil, context.Cause(req.Context())
	}
	return c.answer.resp, c.answer.err
}

// RoundTrip is one attempt, as the engine sees it. The first one was made
// before the engine came in.
func (c *call) RoundTrip(shell *http.Request) (*http.Response, error) {
	if !c.started {
		c.started = true
		return c.answer.shell(shell)
	}
	lease, err := c.t.acquire(c.ctx, c.claim, c.left)
	if err != nil {
		c.refused = true
		return nil, err
	}
	out := *c.req
	if out.Body, err = c.body(); err != nil {
		lease.Settle(Unsent)
		c.refused = true
		return nil, err
	}
	discard(c.answer.resp)
	c.left = max(c.left-lease.Waited(), 0)
	c.attempt++
	c.answer = c.t.send(&out, c.claim, lease, c.attempt)
	return c.answer.shell(shell)
}

// shell returns what the engine needs to know of an answer.
func (a *answer) shell(req *http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: a.resp.StatusCode, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

// policy is the engine's CheckRetry: it decides whether to try again, and how
// long to pause before. After a 429 that is no time at all: the gate waits.
func (c *call) policy(ctx context.Context, _ *http.Response, err error) (bool, error) {
	c.pause = 0
	a := &c.answer
	switch {
	case c.refused || !a.retryable(c.req, c.body):
		return false, nil
	case a.outcome == Throttled || a.outcome == ThrottledBlind:
		c.t.hooks.tellRetrying(c)
		return true, nil
	}
	if a.err != nil { // a wrong scheme, header or certificate stays wrong
		if again, _ := retryablehttp.DefaultRetryPolicy(ctx, nil, err); !again {
			return false, nil
		}
	}
	c.failures++
	c.pause = c.nextPause()
	deadline, ok := ctx.Deadline()
	if c.failures > maxFailures || c.pause > c.left || ok && c.pause > time.Until(deadline) {
		return false, nil
	}
	c.left -= c.pause
	if a.resp != nil {
		peek(a.resp)
	}
	c.t.hooks.tellRetrying(c)
	return true, nil
}

// nextPause returns how long to wait after a failure: the next step of an
// exponential backoff, or as long as the answer's Retry-After says.
func (c *call) nextPause() time.Duration {
	if c.backoff == nil {
		c.backoff = backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(failureInitial),
			backoff.WithMultiplier(failureMultiplier),
			backoff.WithMaxInterval(failureMax),
			backoff.WithMaxElapsedTime(0),
		)
	}
	pause := c.backoff.NextBackOff()
	if c.answer.resp != nil {
		if told, ok := retryafter.Parse(c.answer.resp.Header, time.Now()); ok {
			pause = max(pause, told)
		}
	}
	return pause
}
