package transport

import (
	"context"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

// net/http resends a request by itself when a kept-alive connection closes before the
// answer, or an HTTP/2 server says that it did not process it. The server may count
// each, so each needs a token. A trace shows a resend before it happens: the request
// gets a connection although it was already written to one and has no answer.

// traceKey is the context key of a trace. Package httptrace does not export it, but
// passes it to any context's Value.
var traceKey = func() any {
	var asked keyOf
	httptrace.ContextClientTrace(&asked)
	return asked.key
}()

// keyOf is a context that records the key it is asked for.
type keyOf struct {
	context.Context
	key any
}

func (k *keyOf) Value(key any) any {
	k.key = key
	return nil
}

// attemptTrace records what the base does with an attempt's request.
type attemptTrace struct {
	httptrace.ClientTrace
	unanswered atomic.Bool // written, with no answer yet
	mu         sync.Mutex  // serializes resends
}

// traced returns the attempt's trace, which also calls the caller's own.
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
		httptrace.WithClientTrace(c.ctx, &t.ClientTrace) // adds the caller's hooks to t
	}
	if !c.trace.CompareAndSwap(nil, t) {
		t = c.trace.Load()
	}
	return &t.ClientTrace
}

// acquireAgain waits for a permit to resend the request, and ends the attempt if it
// gets none.
func (c *attemptContext) acquireAgain() {
	if c.state.Load() != inFlight {
		return
	}
	first := (*permit)(c)
	last := first.last()
	last.Settle(failed)
	watch := c.watched()
	watch.pause() // this wait is ours, not the server's
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
	if c.state.Load() != inFlight { // send may have settled the attempt without seeing next
		next.Settle(failed)
		return
	}
	watch.resume(c.transport.cfg.AnswerTimeout)
}
