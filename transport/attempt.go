package transport

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// noAnswerError says that no response header came within Config.AnswerTimeout.
type noAnswerError struct{ after time.Duration }

func (e *noAnswerError) Error() string        { return fmt.Sprintf("transport: no answer within %s", e.after) }
func (e *noAnswerError) Timeout() bool        { return true }
func (e *noAnswerError) Temporary() bool      { return true } // for net.Error
func (e *noAnswerError) Is(target error) bool { return target == context.DeadlineExceeded }

// attempt sends a request through the base and waits for the response header, until
// Config.AnswerTimeout or the caller's own deadline. Reading the body is not bounded.
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
	if why := c.finish(); why != nil && (err == nil || ctx.Err() == nil) { // even with a response: its body is being cut off
		if resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
		resp, err = nil, why
	}
	if err != nil && recorded && ctx.Err() != nil { // the base may report only that the body was closed
		err = context.Cause(ctx)
	}
	if err != nil || resp == nil || resp.Body == nil || resp.Body == http.NoBody {
		c.release()
	} else if resp.StatusCode != http.StatusSwitchingProtocols && c.listens() { // there, reading to the end is not the end
		resp.Body = &attemptBody{resp.Body, c}
	}
	return resp, err
}

// attemptContext is a permit used as the context of its attempt. It ends with the
// caller's, or when no answer comes in time. Until the base asks for its Done channel it
// costs nothing.
type attemptContext permit

// watch is the context of an attempt whose Done channel the base has asked for.
type watch struct {
	context.Context
	cancel context.CancelCauseFunc
	stop   func() bool // following the caller's context; nil: that has no end
	timer  *time.Timer // of the answer timeout; nil: none
}

// The states of an attempt.
const (
	inFlight int32 = iota
	over           // the response header, or an error, has arrived
	ended          // by the throttle, before that
)

// Deadline implements [context.Context].
func (c *attemptContext) Deadline() (time.Time, bool) { return c.ctx.Deadline() }

// Done implements [context.Context].
func (c *attemptContext) Done() <-chan struct{} { return c.watched().Done() }

// Err implements [context.Context].
func (c *attemptContext) Err() error {
	err := c.inner().Err()
	if err != nil && c.ctx.Err() != nil {
		return c.ctx.Err() // it may be a deadline
	}
	return err
}

// Value implements [context.Context].
func (c *attemptContext) Value(key any) any {
	if key == traceKey {
		return c.traced()
	}
	return c.inner().Value(key) // package context finds the watch this way
}

// inner returns the context that this one delegates to.
func (c *attemptContext) inner() context.Context {
	if w := c.watch.Load(); w != nil {
		return w
	}
	return c.ctx
}

// watched returns the attempt's watch, starting it on first use.
func (c *attemptContext) watched() *watch {
	if w := c.watch.Load(); w != nil {
		return w
	}
	w := new(watch)
	w.Context, w.cancel = context.WithCancelCause(context.WithoutCancel(c.ctx))
	if c.ctx.Done() != nil {
		w.stop = context.AfterFunc(c.ctx, func() { w.cancel(context.Cause(c.ctx)) })
	}
	if c.bounded && c.state.Load() == inFlight {
		bound := c.transport.cfg.AnswerTimeout
		left := time.Until(c.scheduler.epoch.Add(c.sent + bound))
		w.timer = time.AfterFunc(max(left, 1), func() { c.end(&noAnswerError{bound}) })
	}
	if !c.watch.CompareAndSwap(nil, w) {
		w.pause()
		w.detach()
	}
	return c.watch.Load()
}

// pause stops the answer timeout.
func (w *watch) pause() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// resume restarts the answer timeout.
func (w *watch) resume(bound time.Duration) {
	if w.timer != nil {
		w.timer.Reset(bound)
	}
}

// end ends the attempt with an error, unless it is over.
func (c *attemptContext) end(why error) {
	if c.state.CompareAndSwap(inFlight, ended) {
		c.watched().cancel(why)
	}
}

// finish marks the attempt as over, and returns why the throttle ended it, if it did.
func (c *attemptContext) finish() (why error) {
	if !c.state.CompareAndSwap(inFlight, over) {
		<-c.Done()
		return context.Cause(c)
	}
	if w := c.watch.Load(); w != nil {
		w.pause()
	}
	return nil
}

// detach lets go of the caller's context, so that a long-lived one does not keep those of
// all its requests. It does not end this one: the base may have uses for it yet.
func (w *watch) detach() {
	if w.stop != nil {
		w.stop()
	}
}

// release detaches the attempt from the caller's context.
func (c *attemptContext) release() {
	if w := c.watch.Load(); w != nil {
		w.detach()
	}
}

// listens reports whether the attempt follows the caller's context.
func (c *attemptContext) listens() bool {
	w := c.watch.Load()
	return w != nil && w.stop != nil
}

// attemptBody is a response body that releases its attempt when it is read or closed.
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
