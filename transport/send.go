package transport

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/retryafter"
)

const (
	// maxPeek is how much of the body of a 429 or a failure is read ahead. The answer
	// can then be returned whole if the next attempt is refused, without holding its
	// connection meanwhile. Error bodies are far smaller.
	maxPeek = 64 << 10
	// peekTimeout bounds reading ahead. A 429 whose body stalls is judged by its
	// header, and reading the rest of the body returns an error.
	peekTimeout = 5 * time.Second
)

// answer is the result of one attempt: a response or an error, never both.
type answer struct {
	resp    *http.Response
	err     error
	outcome outcome
}

// status returns the response's status, or 0 without one.
func (a *answer) status() int {
	if a.resp == nil {
		return 0
	}
	return a.resp.StatusCode
}

// send sends the request and settles its permit, even if the base transport panics.
func (t *Transport) send(req *http.Request, claim *Claim, p *permit, attempt int) (a answer) {
	if t.observer.Answered != nil { // called last: a slow observer must not hold the tokens
		sent := time.Now()
		defer func() { t.tellAnswered(req, claim, attempt, time.Since(sent), &a) }()
	}
	defer func() { p.last().Settle(a.outcome) }()
	resp, err := t.attempt(req, p)
	switch {
	case err != nil:
		if resp != nil && resp.Body != nil { // a base that breaks the contract
			resp.Body.Close()
		}
		a = answer{err: err, outcome: failed}
		if neverSent(err) {
			a.outcome = unsent
		}
	case resp == nil:
		a = answer{err: errors.New("transport: the base transport returned neither a response nor an error"), outcome: failed}
	case resp.StatusCode == http.StatusTooManyRequests:
		a = t.handleThrottled(resp, p.last())
	default:
		a = answer{resp: resp, outcome: answered}
	}
	return a
}

// handleThrottled handles a 429. It blocks the endpoint as soon as the header is in:
// the body, which tells what kind of 429 it is, may take longer.
func (t *Transport) handleThrottled(resp *http.Response, p *permit) answer {
	a := answer{resp: resp, outcome: throttledBlind}
	// A Retry-After of zero, or in the past, is no wait: back off instead.
	if wait, told := retryafter.Parse(resp.Header, time.Now()); told && wait > 0 {
		a.outcome = throttled
		p.Block(wait)
	}
	if t.cfg.Ruled(peek(resp)) {
		a.outcome = ruled
	}
	return a
}

// peek reads the beginning of a response's body and leaves the body as it was for its
// reader. If that was all of it, the connection is free again.
func peek(resp *http.Response) []byte {
	source := resp.Body
	if source == nil {
		return nil
	}
	stalled := time.AfterFunc(peekTimeout, func() { source.Close() })
	head, err := io.ReadAll(io.LimitReader(source, maxPeek+1))
	stalled.Stop()
	body := &peeked{Reader: io.MultiReader(bytes.NewReader(head), source), rest: source}
	switch {
	case err != nil:
		source.Close()
		body.Reader, body.rest = io.MultiReader(bytes.NewReader(head), failingReader{err}), nil
	case len(head) <= maxPeek:
		source.Close()
		body.Reader, body.rest = bytes.NewReader(head), nil
	}
	resp.Body = body
	return head[:min(len(head), maxPeek)]
}

// peeked is a body whose beginning is in memory.
type peeked struct {
	io.Reader
	rest io.Closer // nil: all of it is in memory
}

func (p *peeked) Close() error {
	if p.rest == nil {
		return nil
	}
	return p.rest.Close()
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// discard closes a response that will not be read. It has been peeked at, so the
// connection of a short body is free again; a long body is not worth reading to keep
// its connection.
func discard(resp *http.Response) {
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
}

// neverSent reports whether an error proves that nothing of the request was sent,
// because there was no connection.
func neverSent(err error) bool {
	if op := (*net.OpError)(nil); errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		return true
	}
	cert := (*tls.CertificateVerificationError)(nil)
	return errors.As(err, &cert)
}
