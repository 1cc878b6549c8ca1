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

// attempt has the base send a request, and waits for its answer's header for as long as
// is configured, or as the caller's own deadline says. A body may then take as long
// as it likes.
func (t *Transport) attempt(req *http.Request, p *permit) (*http.Response, error) {
	ctx, c := req.Context(), (*attemptContext)(p)
	c.transport, c.ctx = t, ctx
	if t.cfg.AnswerTimeout > 0 {
		deadline, ends := ctx.Deadline()
		c.bounded = !ends || time.Until(deadline) > t.cfg.AnswerTimeout
	}
	tape, recorded := req.Body.(*tape)
	if recorded {
		defer context.AfterFunc(c, tape.abort)()
	}
	c.out = *req.WithContext(c) // in the permit, so that it costs no allocation
	resp, err := t.cfg.Base.RoundTrip(&c.out)
	if why := c.finish(); why != nil && (err == nil || ctx.Err() == nil) { // even if by a hair: the answer's body is being cut off
		if resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
		resp, err = nil, why
	}
	if err != nil && recorded && ctx.Err() != nil { // the base may tell of the body's end alone
		err = context.Cause(ctx)
	}
	if err != nil || resp == nil || resp.Body == nil || resp.Body == http.NoBody {
		c.release()
	} else if _, upgraded := resp.Body.(io.Writer); !upgraded && c.listens() { // the end of reading is not its end
		resp.Body = &attemptBody{resp.Body, c}
	}
	return resp, err
}

// attemptContext is a permit as the context of its attempt: the caller's, which ends as well
// if no answer comes. As long as the base does not ask for its end, it costs nothing.
type attemptContext permit

// watch is what an attempt needs where somebody asks for its end.
type watch struct {
	mu    sync.Mutex
	done  chan struct{} // closed at the end
	err   error         // at the end
	why   error         // what ended it, if it was the throttle
	timer *time.Timer   // nil: no answer is waited for
	stop  func() bool   // to listen to the caller's context; nil: that has no end
	then  map[*func()]struct{}
}

// Deadline implements [context.Context].
func (c *attemptContext) Deadline() (time.Time, bool) { return c.ctx.Deadline() }

// Value implements [context.Context].
func (c *attemptContext) Value(key any) any {
	if key == traceKey {
		return c.traced()
	}
	return c.ctx.Value(key)
}

// Done implements [context.Context].
func (c *attemptContext) Done() <-chan struct{} { return c.watched().done }

// Err implements [context.Context].
func (c *attemptContext) Err() error {
	if w := c.watch.Load(); w != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.err != nil {
			return w.err
		}
	}
	return c.ctx.Err()
}

// watched sees to it that the attempt ends when it should.
func (c *attemptContext) watched() *watch {
	if w := c.watch.Load(); w != nil {
		return w
	}
	w := &watch{done: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !c.watch.CompareAndSwap(nil, w) {
		return c.watch.Load()
	}
	if bound := c.transport.cfg.AnswerTimeout; c.bounded && !c.over.Load() {
		left := time.Until(c.scheduler.epoch.Add(c.sent + bound))
		w.timer = time.AfterFunc(left, func() { c.end(context.DeadlineExceeded, &noAnswerError{bound}) })
	}
	if c.ctx.Done() != nil {
		w.stop = context.AfterFunc(c.ctx, func() { c.end(c.ctx.Err(), nil) })
	}
	return w
}

// pause stops the wait for an answer.
func (w *watch) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
}

// resume starts it anew.
func (w *watch) resume(bound time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Reset(bound)
	}
}

// AfterFunc has a function called at the end, by a goroutine of its own. Package
// context asks for it where it would keep a goroutine for each request otherwise.
func (c *attemptContext) AfterFunc(call func()) (stop func() bool) {
	w := c.watched()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		go call()
		return func() bool { return false }
	}
	if w.then == nil {
		w.then = make(map[*func()]struct{})
	}
	key := &call
	w.then[key] = struct{}{}
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		_, kept := w.then[key]
		delete(w.then, key)
		return kept
	}
}

// end ends the attempt: with its caller's context, or because of what the throttle
// says.
func (c *attemptContext) end(err, why error) {
	w := c.watched()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil || why != nil && c.over.Load() {
		return
	}
	w.err, w.why = err, why
	close(w.done)
	for call := range w.then {
		go (*call)()
	}
	w.then = nil
}

// finish notes that the attempt is over, and returns what ended it, if it was the
// throttle.
func (c *attemptContext) finish() (why error) {
	c.over.Store(true)
	w := c.watch.Load()
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
	return w.why
}

// release lets go of the caller's context, lest one that lives for long keeps the
// contexts of all its requests.
func (c *attemptContext) release() {
	if c.listens() {
		c.watch.Load().stop()
	}
}

// listens reports whether the caller's context keeps this one.
func (c *attemptContext) listens() bool {
	w := c.watch.Load()
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stop != nil
}

// attemptBody is an answer's body, whose end is the attempt's.
type attemptBody struct {
	io.ReadCloser
	attempt *attemptContext
}

func (b *attemptBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.attempt.release()
	}
	return n, err
}

func (b *attemptBody) Close() error {
	defer b.attempt.release()
	return b.ReadCloser.Close()
}
