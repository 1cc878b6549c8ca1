package transport

import (
	"context"
	"fmt"
	"io"
	"net/http"
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

// attemptContext is a permit as the context of its attempt: the caller's, which ends as
// well if no answer comes. As long as the base does not ask for its end, it costs nothing.
type attemptContext permit

// watch is what an attempt needs where the base asks for its end.
type watch struct {
	context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer // nil: no answer is waited for
}

// What an attempt is in.
const (
	underWay int32 = iota
	over           // the answer, or an error, came
	ended          // by the throttle, before
)

// Deadline implements [context.Context].
func (c *attemptContext) Deadline() (time.Time, bool) { return c.ctx.Deadline() }

// Done implements [context.Context].
func (c *attemptContext) Done() <-chan struct{} { return c.watched().Done() }

// Err implements [context.Context].
func (c *attemptContext) Err() error { return c.inner().Err() }

// Value implements [context.Context].
func (c *attemptContext) Value(key any) any {
	if key == traceKey {
		return c.traced()
	}
	return c.inner().Value(key) // package context finds the watch by it
}

// inner is the context that this one stands for.
func (c *attemptContext) inner() context.Context {
	if w := c.watch.Load(); w != nil {
		return w
	}
	return c.ctx
}

// watched sees to it that the attempt ends when it should.
func (c *attemptContext) watched() *watch {
	if w := c.watch.Load(); w != nil {
		return w
	}
	w := new(watch)
	w.Context, w.cancel = context.WithCancelCause(c.ctx)
	if c.bounded && c.state.Load() == underWay {
		bound := c.transport.cfg.AnswerTimeout
		left := time.Until(c.scheduler.epoch.Add(c.sent + bound))
		w.timer = time.AfterFunc(max(left, 1), func() { c.end(&noAnswerError{bound}) })
	}
	if !c.watch.CompareAndSwap(nil, w) {
		w.pause()
		w.cancel(nil)
	}
	return c.watch.Load()
}

// pause stops the wait for an answer.
func (w *watch) pause() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// resume starts it anew.
func (w *watch) resume(bound time.Duration) {
	if w.timer != nil {
		w.timer.Reset(bound)
	}
}

// end ends the attempt, unless it is over.
func (c *attemptContext) end(why error) {
	if c.state.CompareAndSwap(underWay, ended) {
		c.watched().cancel(why)
	}
}

// finish notes that the attempt is over, and returns what ended it, if it was the
// throttle.
func (c *attemptContext) finish() (why error) {
	if !c.state.CompareAndSwap(underWay, over) {
		<-c.Done()
		return context.Cause(c)
	}
	if w := c.watch.Load(); w != nil {
		w.pause()
	}
	return nil
}

// release lets go of the caller's context, lest one that lives for long keeps the
// contexts of all its requests.
func (c *attemptContext) release() {
	if w := c.watch.Load(); w != nil {
		w.cancel(nil)
	}
}

// listens reports whether the caller's context keeps this one.
func (c *attemptContext) listens() bool { return c.watch.Load() != nil && c.ctx.Done() != nil }

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
