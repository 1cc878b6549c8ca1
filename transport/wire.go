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

// wire is what the base does with a flight's request.
type wire struct {
	httptrace.ClientTrace
	open  atomic.Bool // it was written and not answered
	again sync.Mutex  // one after another
}

// traced returns the flight's trace, which calls the caller's own as well.
func (f *flight) traced() *httptrace.ClientTrace {
	if w := f.wire.Load(); w != nil {
		return &w.ClientTrace
	}
	w := &wire{}
	w.ClientTrace = httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { // not GetConn, which net/http calls under a lock
			if w.open.Swap(false) {
				w.again.Lock()
				defer w.again.Unlock()
				f.payAgain()
			}
		},
		WroteHeaders:         func() { w.open.Store(true) },
		GotFirstResponseByte: func() { w.open.Store(false) },
	}
	if httptrace.ContextClientTrace(f.ctx) != nil {
		httptrace.WithClientTrace(f.ctx, &w.ClientTrace) // for what it does to the trace: it adds the caller's
	}
	if !f.wire.CompareAndSwap(nil, w) {
		w = f.wire.Load()
	}
	return &w.ClientTrace
}

// payAgain waits for a permit to send the request once more, and ends the flight where
// there is none.
func (f *flight) payAgain() {
	if f.down.Load() {
		return
	}
	first := (*permit)(f)
	last := first.last()
	last.Settle(failed)
	air := f.watched()
	air.pause() // the wait is not the server's
	ctx, stop := waitContext(&f.out)
	defer stop()
	terms := termsOf(ctx)
	terms.attempt++
	next, err := f.transport.acquire(terms.in(ctx), first.claim, last.left())
	if err != nil {
		f.end(context.Canceled, err)
		return
	}
	first.resent.Store(next)
	if f.down.Load() { // whoever settles this flight may not have seen it
		next.Settle(failed)
		return
	}
	air.resume(f.bound)
}
