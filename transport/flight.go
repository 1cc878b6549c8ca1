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

// fly has the base send a request, and waits for its answer's header for as long as
// is configured, or as the caller's own deadline says. A body may then take as long
// as it likes.
func (t *Transport) fly(req *http.Request, p *permit) (*http.Response, error) {
	ctx, f := req.Context(), (*flight)(p)
	f.transport, f.ctx = t, ctx
	if deadline, ends := ctx.Deadline(); t.cfg.AnswerTimeout > 0 && (!ends || time.Until(deadline) > t.cfg.AnswerTimeout) {
		f.bound = t.cfg.AnswerTimeout
	}
	tape, recorded := req.Body.(*tape)
	if recorded {
		defer context.AfterFunc(f, tape.abort)()
	}
	f.out = *req.WithContext(f) // in the flight, so that it costs no allocation
	resp, err := t.cfg.Base.RoundTrip(&f.out)
	if why := f.land(); why != nil && (err == nil || ctx.Err() == nil) { // even if by a hair: the answer's body is being cut off
		if resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
		resp, err = nil, why
	}
	if err != nil && recorded && ctx.Err() != nil { // the base may tell of the body's end alone
		err = context.Cause(ctx)
	}
	if err != nil || resp == nil || resp.Body == nil || resp.Body == http.NoBody {
		f.release()
	} else if _, upgraded := resp.Body.(io.Writer); !upgraded && f.listens() { // the end of reading is not its end
		resp.Body = &landed{resp.Body, f}
	}
	return resp, err
}

// flight is a permit as the context of its attempt: the caller's, which ends as well
// if no answer comes. As long as the base does not ask for its end, it costs nothing.
type flight permit

// air is what a flight needs for somebody who wants to know of its end.
type air struct {
	mu    sync.Mutex
	done  chan struct{} // closed at the end
	err   error         // at the end
	why   error         // what ended it, if it was the throttle
	timer *time.Timer   // nil: no answer is waited for
	stop  func() bool   // to listen to the caller's context; nil: that has no end
	then  map[*func()]struct{}
}

// Deadline implements [context.Context].
func (f *flight) Deadline() (time.Time, bool) { return f.ctx.Deadline() }

// Value implements [context.Context].
func (f *flight) Value(key any) any {
	if key == traceKey {
		return f.traced()
	}
	return f.ctx.Value(key)
}

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
		a.timer = time.AfterFunc(left, func() { f.end(context.DeadlineExceeded, &noAnswerError{f.bound}) })
	}
	if f.ctx.Done() != nil {
		a.stop = context.AfterFunc(f.ctx, func() { f.end(f.ctx.Err(), nil) })
	}
	return a
}

// pause stops the wait for an answer.
func (a *air) pause() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
	}
}

// resume starts it anew.
func (a *air) resume(bound time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Reset(bound)
	}
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

// end ends the flight: with its caller's context, or because of what the throttle
// says.
func (f *flight) end(err, why error) {
	a := f.watched()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil || why != nil && f.down.Load() {
		return
	}
	a.err, a.why = err, why
	close(a.done)
	for call := range a.then {
		go (*call)()
	}
	a.then = nil
}

// land notes that the attempt is over, and returns what ended it, if it was the
// throttle.
func (f *flight) land() (why error) {
	f.down.Store(true)
	a := f.air.Load()
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
	}
	return a.why
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
