package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
)

// maxReplay is the largest request body without a GetBody that is kept in memory for
// a retry. A longer one is sent only once.
const maxReplay = 1 << 20

// tape records a request body that has no GetBody as it is sent, not ahead, since a
// read from a pipe may block. The body can be replayed if it was read to its end, or
// closed unread.
type tape struct {
	source io.ReadCloser

	mu       sync.Mutex
	head     []byte // what was read
	overflow bool   // more than maxReplay was read
	read     bool   // a read was started
	whole    bool   // head is the whole body
	closed   bool   // by the base
	aborted  bool   // the attempt ended before it read anything
	final    bool   // there will be no further attempt
}

var errPartlyRead = errors.New("transport: the request body was partly read and cannot be sent again")

// record returns the request to send: the caller's own, or a copy with a tape as its
// body.
func record(req *http.Request) (*http.Request, *tape) {
	if req.Body == nil || req.Body == http.NoBody || req.GetBody != nil {
		return req, nil
	}
	t := &tape{source: req.Body}
	out := *req
	out.Body, out.GetBody = t, t.getBody // net/http resends with it if nothing was sent
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
	n, err := t.source.Read(p) // may block until the source is closed
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

// Close implements [io.Closer]. It leaves an unread source open for a next attempt.
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

// abort closes a source that a read may be blocked on: net/http waits for that read
// even after the request's context has ended.
func (t *tape) abort() {
	t.mu.Lock()
	t.aborted = !t.read
	read := t.read
	t.mu.Unlock()
	if read {
		_ = t.Close()
	}
}

// replayable reports whether the body can be sent again. The tape is nil for a request
// with no body or with a GetBody.
func (t *tape) replayable() bool {
	if t == nil {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.whole || t.closed && !t.read
}

// getBody is the request's GetBody.
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

// release closes a source that was kept open for a next attempt.
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

// closeBody closes a request's body, as a RoundTripper must even on an error.
func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
