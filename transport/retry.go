package transport

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/clerkthrottle/clerkthrottle-go/internal/retryafter"
)

// A failure other than a 429 is retried up to three times, first after about half a
// second. Retries of 429s are not counted: each closes the gate for a while, and the
// request's maximum wait ends them.
const (
	maxFailures = 3
	failureMin  = 500 * time.Millisecond
	failureMax  = 5 * time.Second
)

// retryable reports whether resending the request can help and does no harm. After a
// 429, or if it never left, the request was not carried out, so any method is safe.
// After a 502, 503, 504 or a broken connection it may have been, so only an
// idempotent one is.
func (a *answer) retryable(req *http.Request, body *tape) bool {
	var again bool
	switch {
	case a.throttled(), a.outcome == unsent:
		again = true
	case a.err != nil: // a resend by net/http may have been refused
		again = idempotent(req) && !errors.As(a.err, new(*ThrottledError))
	case a.resp.StatusCode == http.StatusBadGateway, a.resp.StatusCode == http.StatusServiceUnavailable, a.resp.StatusCode == http.StatusGatewayTimeout:
		again = idempotent(req)
	}
	return again && body.replayable() && !givenUp(req)
}

func (a *answer) throttled() bool { return a.outcome == throttled || a.outcome == throttledBlind }

// idempotent reports whether a request may be carried out twice: by its method
// (RFC 9110, section 9.2.2), or because it carries an idempotency key, under one of
// the names that net/http knows.
func idempotent(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return req.Header.Get("Idempotency-Key") != "" || req.Header.Get("X-Idempotency-Key") != ""
}

// call is one request that is being retried.
type call struct {
	t        *Transport
	req      *http.Request
	ctx      context.Context // of the waits, with terms that mark a retry
	body     *tape
	claim    *Claim
	attempt  int           // how many were made
	left     time.Duration // of the request's maximum wait
	answer   answer        // of the last attempt
	shown    bool          // the engine has seen the first attempt's answer
	refused  bool          // the next attempt was refused
	failures int           // answers and errors other than 429s
	pause    time.Duration // after a failure, before the next attempt
}

// retry hands the request to go-retryablehttp, which goes on from the first attempt's
// answer: it decides whether to retry, and pauses. Retries pass the gate and the
// buckets like any request; a 429 is waited out there.
//
// The engine sees answers without their bodies, which it would read and close. The
// last answer is kept, and returned intact if the next attempt is refused.
func (t *Transport) retry(ctx context.Context, req *http.Request, body *tape, claim *Claim, left time.Duration, first answer) answer {
	again := *termsOf(ctx)
	again.attempt++
	c := &call{
		t: t, req: req, ctx: again.in(ctx), body: body, claim: claim,
		attempt: 1, left: left, answer: first,
	}
	engine := retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     c,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     math.MaxInt, // planRetry counts failures; 429s are not counted
		CheckRetry:   c.checkRetry,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return c.pause },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	bare := req.WithContext(ctx)
	bare.Body, bare.GetBody, bare.ContentLength, bare.RequestURI = nil, nil, 0, ""
	_, err := engine.Do(&retryablehttp.Request{Request: bare}) //nolint:bodyclose // it has none
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		discard(c.answer.resp)
		return answer{err: context.Cause(ctx)}
	}
	return c.answer
}

// RoundTrip makes one attempt for the engine. The first was made before the engine was
// called.
func (c *call) RoundTrip(bare *http.Request) (*http.Response, error) {
	if c.shown {
		if err := c.send(); err != nil {
			c.refused = true
			return nil, err
		}
	}
	c.shown = true
	if c.answer.err != nil {
		return nil, c.answer.err
	}
	seen := *c.answer.resp
	seen.Body, seen.ContentLength, seen.Request = http.NoBody, 0, bare
	return &seen, nil
}

// send makes one more attempt. On an error it made none, and the last answer stands.
func (c *call) send() error {
	p, err := c.t.acquire(c.ctx, c.claim, c.left)
	if err != nil {
		return err
	}
	next := *c.req
	if next.GetBody != nil && next.Body != nil {
		if next.Body, err = next.GetBody(); err != nil {
			p.Settle(unsent)
			return err
		}
	}
	discard(c.answer.resp)
	c.attempt++
	c.answer = c.t.send(&next, c.claim, p, c.attempt)
	c.left = p.last().left()
	return nil
}

// checkRetry is the engine's retry policy. It also sets the pause, which is zero after
// a 429: the gate waits that out.
func (c *call) checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	c.pause = 0
	a := &c.answer
	if c.refused || !a.retryable(c.req, c.body) {
		return false, nil
	}
	// It knows the permanent errors: a wrong scheme, header or certificate.
	if again, _ := retryablehttp.DefaultRetryPolicy(ctx, resp, err); !again {
		return false, nil
	}
	if !a.throttled() {
		if !c.planRetry(ctx) {
			return false, nil
		}
		if a.resp != nil {
			peek(a.resp)
		}
	}
	c.tellRetry(c.t.observer.Retrying)
	return true, nil
}

// planRetry reports whether a failure may be retried, by the number of failures, the
// request's maximum wait and the retry budget. If so it sets the pause.
func (c *call) planRetry(ctx context.Context) bool {
	pause := retryablehttp.DefaultBackoff(failureMin, failureMax, c.failures, nil)
	pause = pause/2 + rand.N(pause) // ±50 %
	if c.answer.resp != nil {
		if told, ok := retryafter.Parse(c.answer.resp.Header, time.Now()); ok {
			pause = max(pause, told)
		}
	}
	c.failures++
	deadline, ok := ctx.Deadline()
	if c.failures > maxFailures || pause > c.left || ok && pause > time.Until(deadline) {
		return false
	}
	if !c.t.scheduler.takeRetry() {
		c.tellRetry(c.t.observer.RetryDenied)
		return false
	}
	c.pause = pause
	c.left -= pause
	return true
}

// RetryBudget bounds the retries of failures of all requests of a [Transport]
// together, so that retries do not multiply the load of a server in trouble. In any
// minute it allows Free retries plus Fraction of the minute's requests; a failure past
// that is returned to its caller at once. It does not count retries of 429s, which
// gates pace, nor requests that net/http resends by itself.
type RetryBudget struct {
	Fraction float64 // 0 ≤ Fraction ≤ 3, the most that is ever retried
	Free     int
}

// defaultRetryBudget is a fifth of the requests, as in Finagle, plus ten a minute, so
// that a program with few requests can retry them.
var defaultRetryBudget = RetryBudget{Fraction: 0.2, Free: 10}
