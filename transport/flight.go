package transport

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// noAnswerError tells that the bound on the wait for an answer has passed.
type noAnswerError struct{ after time.Duration }

func (e *noAnswerError) Error() string        { return fmt.Sprintf("transport: no answer within %s", e.after) }
func (e *noAnswerError) Timeout() bool        { return true }
func (e *noAnswerError) Temporary() bool      { return true } // of net.Error
func (e *noAnswerError) Is(target error) bool { return target == context.DeadlineExceeded }

// fly has the base send a request, once, and waits for its answer's header for as
// long as is configured, or as the caller's own deadline says. A body may then take
// as long as it likes. It reports whether the base would have sent it again, and was kept from
// that.
func (t *Transport) fly(req *http.Request, p *permit) (resp *http.Response, resend bool, err error) {
	ctx, f := req.Context(), (*flight)(p)
	tape, recorded := req.Body.(*tape)
	once := t.overHTTP1(req) && repeatable(req)
	if deadline, ends := ctx.Deadline(); t.cfg.AnswerTimeout > 0 && (!ends || time.Until(deadline) > t.cfg.AnswerTimeout) {
		f.bound = t.cfg.AnswerTimeout
	}
	switch {
	case f.bound > 0, recorded:
		f.ctx = ctx
		req = req.WithContext(f)
	case once:
		req = req.WithContext(ctx)
	}
	if recorded {
		defer context.AfterFunc(f, tape.abort)()
	}
	if once {
		req.GetBody = nil
		if req.Body == nil || req.Body == http.NoBody {
			req.Body = emptyBody{}
		}
	}
	resp, err = t.cfg.Base.RoundTrip(req)
	if resp != nil && req.URL.Scheme == "https" {
		if over := resp.ProtoMajor == 1; over != t.http1.Load() { // seldom: all requests read it
			t.http1.Store(over)
		}
	}
	if f.ctx == nil {
		return resp, once && t.mayResend(resp, err), err
	}
	if late := f.land(); late && (err == nil || ctx.Err() == nil) { // even if by a hair: the answer's body is being cut off
		if resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
		resp, err = nil, &noAnswerError{t.cfg.AnswerTimeout}
	}
	if err != nil && recorded && ctx.Err() != nil { // the base may tell of the body's end alone
		err = context.Cause(ctx)
	}
	if err != nil || resp == nil || resp.Body == nil || resp.Body == http.NoBody {
		f.release()
	} else if _, upgraded := resp.Body.(io.Writer); !upgraded && f.listens() { // the end of reading is not its end
		resp.Body = &landed{resp.Body, f}
	}
	return resp, once && t.mayResend(resp, err), err
}

// mostResent is how many attempts in a row, of all requests, may be made again at
// once although none of them was answered. So many kept-alive connections may have
// ended while nobody looked; more failures than that are the server's.
const mostResent = 100

// mayResend reports whether the base would have sent a request again whose connection
// has ended, as far as can be told from here.
func (t *Transport) mayResend(resp *http.Response, err error) bool {
	if err == nil {
		if resp != nil && resp.StatusCode < http.StatusInternalServerError && t.broken.Load() > 0 {
			t.broken.Store(0)
		}
		return false
	}
	return !neverSent(err) && t.broken.Add(1) <= mostResent
}

// net/http sends an idempotent request again by itself when a kept-alive HTTP/1
// connection ends before the answer; each may reach the server, and so must have a
// token. It does not where it has no way to the body again: an empty body that it
// cannot know to be empty goes over the wire like none. Our own retry then sends the
// request again, with a token. Over HTTP/2 it repeats only what the server says it
// has not looked at, and there such a body would be seen.

// overHTTP1 reports whether a request goes over HTTP/1, as far as the scheme or the
// last answer tells. Only a connection that has carried an answer is reused.
func (t *Transport) overHTTP1(req *http.Request) bool {
	return req.URL.Scheme == "http" || t.http1.Load()
}

// repeatable reports whether net/http takes a request for one that may be repeated.
func repeatable(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
	default:
		if req.Header["Idempotency-Key"] == nil && req.Header["X-Idempotency-Key"] == nil {
			return false
		}
	}
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// emptyBody is empty, and does not say so.
type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, io.EOF }
func (emptyBody) Close() error             { return nil }

// flight is a permit as the context of its attempt: the caller's, which ends as well
// if no answer comes. As long as the base does not ask for its end, it costs nothing.
type flight permit

// air is what a flight needs for somebody who wants to know of its end.
type air struct {
	mu    sync.Mutex
	done  chan struct{} // closed at the end
	err   error         // at the end
	late  bool          // it ended because no answer came
	timer *time.Timer   // nil: no answer is waited for
	stop  func() bool   // to listen to the caller's context; nil: that has no end
	then  map[*func()]struct{}
}

// Deadline implements [context.Context].
func (f *flight) Deadline() (time.Time, bool) { return f.ctx.Deadline() }

// Value implements [context.Context].
func (f *flight) Value(key any) any { return f.ctx.Value(key) }

// Done implements [context.Context].
func (f *flight) Done() <-chan struct{} { return f.watched().done }

// Err implements [context.Context].
func (f *flight) Err() error {
	if a := f.air.Load(); a != nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.err != nil {
			return a.err
		}
	}
	return f.ctx.Err()
}

// watched has the flight end when it should.
func (f *flight) watched() *air {
	if a := f.air.Load(); a != nil {
		return a
	}
	a := &air{done: make(chan struct{})}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !f.air.CompareAndSwap(nil, a) {
		return f.air.Load()
	}
	if f.bound > 0 && !f.down.Load() {
		left := time.Until(f.scheduler.epoch.Add(f.sent + f.bound))
		a.timer = time.AfterFunc(left, func() { f.end(context.DeadlineExceeded, true) })
	}
	if f.ctx.Done() != nil {
		a.stop = context.AfterFunc(f.ctx, func() { f.end(f.ctx.Err(), false) })
	}
	return a
}

// AfterFunc has a function called at the end, by a goroutine of its own. Package
// context asks for it where it would keep a goroutine for each request otherwise.
func (f *flight) AfterFunc(call func()) (stop func() bool) {
	a := f.watched()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		go call()
		return func() bool { return false }
	}
	if a.then == nil {
		a.then = make(map[*func()]struct{})
	}
	key := &call
	a.then[key] = struct{}{}
	return func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		_, kept := a.then[key]
		delete(a.then, key)
		return kept
	}
}

func (f *flight) end(err error, late bool) {
	a := f.air.Load()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil || late && f.down.Load() {
		return
	}
	a.err, a.late = err, late
	close(a.done)
	for call := range a.then {
		go (*call)()
	}
	a.then = nil
}

// land notes that the attempt is over, and reports whether it ended because no
// answer came.
func (f *flight) land() (late bool) {
	f.down.Store(true)
	a := f.air.Load()
	if a == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
	}
	return a.late
}

// release lets go of the caller's context, lest one that lives for long keeps the
// flights of all its requests.
func (f *flight) release() {
	if f.listens() {
		f.air.Load().stop()
	}
}

// listens reports whether the caller's context keeps the flight.
func (f *flight) listens() bool {
	a := f.air.Load()
	if a == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stop != nil
}

// landed is an answer's body, whose end is the flight's.
type landed struct {
	io.ReadCloser
	flight *flight
}

func (l *landed) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if err != nil {
		l.flight.release()
	}
	return n, err
}

func (l *landed) Close() error {
	defer l.flight.release()
	return l.ReadCloser.Close()
}
