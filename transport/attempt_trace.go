package transport

import (
	"context"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

// net/http sends a request again by itself where a kept-alive connection ends before
// the answer, or an HTTP/2 server says that it has not looked at it. Each may be
// counted by the server, so each needs a token. A trace sees it coming: the request
// gets a connection, although it was written to one before and has no answer.

// traceKey is the key under which contexts keep a trace. Package httptrace keeps it
// to itself, but asks any context for it.
var traceKey = func() any {
	var asked keyOf
	httptrace.ContextClientTrace(&asked)
	return asked.key
}()

// keyOf is a context that notes what value it is asked for.
type keyOf struct {
	context.Context
	key any
}

func (k *keyOf) Value(key any) any {
	k.key = key
	return nil
}

// attemptTrace notes what the base does with an attempt's request.
type attemptTrace struct {
	httptrace.ClientTrace
	unanswered atomic.Bool // it was written and not answered
	mu         sync.Mutex  // one after another
}

// traced returns the attempt's trace, which calls the caller's own as well.
func (c *attemptContext) traced() *httptrace.ClientTrace {
	if t := c.trace.Load(); t != nil {
		return &t.ClientTrace
	}
	t := &attemptTrace{}
	t.ClientTrace = httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { // not GetConn, which net/http calls under a lock
			if t.unanswered.Swap(false) {
				t.mu.Lock()
				defer t.mu.Unlock()
				c.acquireAgain()
			}
		},
		WroteHeaders:         func() { t.unanswered.Store(true) },
		GotFirstResponseByte: func() { t.unanswered.Store(false) },
	}
	if httptrace.ContextClientTrace(c.ctx) != nil {
		httptrace.WithClientTrace(c.ctx, &t.ClientTrace) // for what it does to the trace: it adds the caller's
	}
	if !c.trace.CompareAndSwap(nil, t) {
		t = c.trace.Load()
	}
	return &t.ClientTrace
}

// acquireAgain waits for a permit to send the request once more, and ends the attempt where
// there is none.
func (c *attemptContext) acquireAgain() {
	if c.state.Load() != underWay {
		return
	}
	first := (*permit)(c)
	last := first.last()
	last.Settle(failed)
	watch := c.watched()
	watch.pause() // the wait is not the server's
	ctx, stop := waitContext(&c.out)
	defer stop()
	terms := *termsOf(ctx)
	terms.attempt++
	next, err := c.transport.acquire(terms.in(ctx), first.claim, last.left())
	if err != nil {
		c.end(err)
		return
	}
	first.resent.Store(next)
	if c.state.Load() != underWay { // whoever settles this attempt may not have seen it
		next.Settle(failed)
		return
	}
	watch.resume(c.transport.cfg.AnswerTimeout)
}
