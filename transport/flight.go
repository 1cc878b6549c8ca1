package transport

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
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
func (t *Transport) fly(req *http.Request, f *flight) (resp *http.Response, resend bool, err error) {
	ctx := req.Context()
	bounded := t.cfg.AnswerTimeout > 0
	if _, ends := ctx.Deadline(); ends {
		bounded = false
	}
	tape, recorded := req.Body.(*tape)
	once := t.overHTTP1(req) && repeatable(req)
	if once {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { f.reused.Store(c.Reused) }})
	}
	if bounded || recorded {
		f.Context, f.bound, f.began = ctx, t.cfg.AnswerTimeout, time.Now()
		if !bounded {
			f.bound = 0
		}
		req = req.WithContext(f)
		if recorded {
			defer context.AfterFunc(f, tape.abort)()
		}
	} else if once {
		req = req.WithContext(ctx)
	}
	if once {
		req.GetBody = nil
		if req.Body == nil || req.Body == http.NoBody {
			req.Body = emptyBody{}
		}
	}
	resp, err = t.cfg.Base.RoundTrip(req)
	if resp != nil && req.URL.Scheme == "https" {
		t.http1.Store(resp.ProtoMajor == 1)
	}
	if f.Context == nil {
		return resp, f.reused.Load(), err
	}
	if late := f.land(); late && (err == nil || ctx.Err() == nil) { // even if by a hair: the answer's body is being cut off
		if resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
		resp, err = nil, &noAnswerError{t.cfg.AnswerTimeout}
	}
	if err != nil || resp == nil || resp.Body == nil || resp.Body == http.NoBody {
		f.release()
	} else if _, upgraded := resp.Body.(io.Writer); !upgraded && f.listens() { // the end of reading is not its end
		resp.Body = &landed{resp.Body, f}
	}
	return resp, f.reused.Load(), err
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

// flight is the context of one attempt: the caller's, which ends as well if no answer
// comes. As long as the base does not ask for its end, it costs nothing.
type flight struct {
	context.Context
	bound  time.Duration
	began  time.Time
	reused atomic.Bool // the connection has carried an answer before: told for HTTP/1

	mu    sync.Mutex
	done  chan struct{} // closed at the end; nil: nobody has asked
	err   error         // at the end
	late  bool          // it ended because no answer came
	down  bool          // the answer came
	timer *time.Timer
	stop  func() bool // to listen to the caller's context; nil: that has no end
	then  map[*func()]struct{}
}

// Done implements [context.Context].
func (f *flight) Done() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done == nil {
		f.done = make(chan struct{})
		if f.bound > 0 && !f.down {
			f.timer = time.AfterFunc(time.Until(f.began.Add(f.bound)), func() { f.end(context.DeadlineExceeded, true) })
		}
		if f.Context.Done() != nil {
			f.stop = context.AfterFunc(f.Context, func() { f.end(f.Context.Err(), false) })
		}
	}
	return f.done
}

// Err implements [context.Context].
func (f *flight) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	return f.Context.Err()
}

// AfterFunc has a function called at the end, by a goroutine of its own. Package
// context asks for it where it would keep a goroutine for each request otherwise.
func (f *flight) AfterFunc(call func()) (stop func() bool) {
	f.Done()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		go call()
		return func() bool { return false }
	}
	if f.then == nil {
		f.then = make(map[*func()]struct{})
	}
	key := &call
	f.then[key] = struct{}{}
	return func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		_, kept := f.then[key]
		delete(f.then, key)
		return kept
	}
}

func (f *flight) end(err error, late bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil || late && f.down {
		return
	}
	f.err, f.late = err, late
	close(f.done)
	for call := range f.then {
		go (*call)()
	}
	f.then = nil
}

// land notes that the attempt is over, and reports whether it ended because no
// answer came.
func (f *flight) land() (late bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = true
	if f.timer != nil {
		f.timer.Stop()
	}
	return f.late
}

// listens reports whether the caller's context keeps the flight.
func (f *flight) listens() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stop != nil
}

// release lets go of the caller's context, lest one that lives for long keeps the
// flights of all its requests.
func (f *flight) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stop != nil {
		f.stop()
	}
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
