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

// Retrying after a failure that is not a 429: three more tries, the first after
// about half a second. How often a 429 is tried again has no number: every one
// closes the gate for a while, and the request's bound ends it.
const (
	maxFailures = 3
	failureMin  = 500 * time.Millisecond
	failureMax  = 5 * time.Second
)

// retryable reports whether sending the request once more can help and does no
// harm. A 429 was not carried out, so any method may be repeated; nor was one that
// never left. A 502, 503, 504 or broken connection leaves that open, so only a
// request that is safe to repeat is.
func (a *answer) retryable(req *http.Request, body *tape) bool {
	var again bool
	switch {
	case a.throttled(), a.outcome == unsent:
		again = true
	case a.err != nil: // what net/http sent again may have waited for long enough
		again = idempotent(req) && !errors.As(a.err, new(*ThrottledError))
	case a.resp.StatusCode == http.StatusBadGateway, a.resp.StatusCode == http.StatusServiceUnavailable, a.resp.StatusCode == http.StatusGatewayTimeout:
		again = idempotent(req)
	}
	return again && body.replayable() && !givenUp(req)
}

func (a *answer) throttled() bool { return a.outcome == throttled || a.outcome == throttledBlind }

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
	ctx      context.Context // of the waits, marked as one that was tried before
	body     *tape
	claim    *Claim
	attempt  int           // how many there were
	left     time.Duration // what is left of the request's bound
	answer   answer        // of the last attempt
	shown    bool          // the engine has seen the first attempt's answer
	refused  bool          // the next attempt could not be made within the bound
	failures int           // how many answers and errors were another failure
	pause    time.Duration // after a failure, before the next attempt
}

// retry hands the request to go-retryablehttp, which goes on from the answer of
// the first attempt: it asks whether to try again, and pauses. Attempts pass the
// gate and the buckets like every other request, where a 429 is waited out.
//
// The engine is shown answers without their bodies, which it would read and close:
// the last answer is kept, and handed back as it came where the next attempt
// cannot be made within the bound.
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
		RetryMax:     math.MaxInt, // failures are counted apart from 429s, which are not
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

// RoundTrip is one attempt, as the engine sees it. The first one was made before
// the engine came in.
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

// send makes one more attempt. On an error there was none, and the last answer
// stands.
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

// checkRetry is the engine's policy: it decides whether to try again, and how long
// to pause before. After a 429 that is no time at all: the gate waits.
func (c *call) checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	c.pause = 0
	a := &c.answer
	if c.refused || !a.retryable(c.req, c.body) {
		return false, nil
	}
	// It knows which errors stay: a wrong scheme, header or certificate.
	if again, _ := retryablehttp.DefaultRetryPolicy(ctx, resp, err); !again {
		return false, nil
	}
	switch {
	case a.throttled():
	default:
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

// affordable reports whether a failure may be tried again, by number, by the
// request's bound, and by the retry budget, and sets the pause before.
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

// RetryBudget bounds retries of failures for all requests of a [Transport]
// together, so that a server in trouble is not given several times its load: in any
// minute no more than Free, and Fraction of the minute's requests besides. A
// failure past it goes back to its caller at once. Retries of 429s are not counted:
// gates pace those. Nor are requests that net/http sends again by itself.
type RetryBudget struct {
	Fraction float64 // 0 ≤ Fraction ≤ 3, which is as much as is ever retried
	Free     int
}

// defaultRetryBudget is a fifth of the requests, as Finagle's, and ten a minute, so
// that a program that makes few can retry what it makes.
var defaultRetryBudget = RetryBudget{Fraction: 0.2, Free: 10}
