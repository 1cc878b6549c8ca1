package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
)

// maxReplay is the largest request body without a GetBody that is kept in
// memory for a retry. A longer one is sent once.
const maxReplay = 1 << 20

// tape is a request's body that has no GetBody. It records what is read of it
// while it is sent, for nobody knows when a pipe will have more; and can be sent
// again once it was read to its end, or where it was closed unread.
type tape struct {
	source io.ReadCloser

	mu       sync.Mutex
	head     []byte // what was read
	overflow bool   // it was more than is kept
	read     bool   // some of it may have been
	whole    bool   // all of it was
	closed   bool   // by the base
	aborted  bool   // the attempt was, before it read anything
	final    bool   // no attempt comes after this one
}

var errPartlyRead = errors.New("transport: the request's body was read in part and cannot be sent again")

// record returns the request to send: the caller's own, or a copy whose body is
// on the tape.
func record(req *http.Request) (*http.Request, *tape) {
	if req.Body == nil || req.Body == http.NoBody || req.GetBody != nil {
		return req, nil
	}
	t := &tape{source: req.Body}
	out := *req
	out.Body, out.GetBody = t, t.getBody // net/http may want it again, too, where nothing left
	return &out, t
}

// Read implements [io.Reader].
func (t *tape) Read(p []byte) (int, error) {
	t.mu.Lock()
	ended := t.aborted
	t.read = t.read || !ended
	t.mu.Unlock()
	if ended {
		return 0, context.Canceled
	}
	n, err := t.source.Read(p) // may stall, until it is closed
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.overflow = t.overflow || len(t.head)+n > maxReplay; t.overflow {
		t.head = nil
	} else {
		t.head = append(t.head, p[:n]...)
	}
	t.whole = err == io.EOF && !t.overflow
	return n, err
}

// Close implements [io.Closer]. It leaves a source open that the next attempt can
// have.
func (t *tape) Close() error {
	t.mu.Lock()
	again := t.closed
	t.closed = true
	keep := !t.read && !t.final
	t.mu.Unlock()
	if again || keep {
		return nil
	}
	return t.source.Close()
}

// abort closes a source that somebody may be reading from in vain. net/http waits
// for him even when the request's context has ended.
func (t *tape) abort() {
	t.mu.Lock()
	t.aborted = !t.read
	read := t.read
	t.mu.Unlock()
	if read {
		_ = t.Close()
	}
}

// replayable reports whether the body can be sent again. A nil tape is that of a
// request that has no body or a GetBody.
func (t *tape) replayable() bool {
	if t == nil {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.whole || t.closed && !t.read
}

// again is the request's GetBody.
func (t *tape) getBody() (io.ReadCloser, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.whole:
		return io.NopCloser(bytes.NewReader(t.head)), nil
	case t.closed && !t.read:
		t.closed, t.aborted = false, false
		return t, nil
	}
	return nil, errPartlyRead
}

// release closes a source that was kept open for an attempt that did not come.
func (t *tape) release() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.final = true
	kept := t.closed && !t.read
	t.mu.Unlock()
	if kept {
		t.source.Close()
	}
}

// closeBody closes a request's body, as every RoundTripper must, errors or not.
func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
