package main

import (
	"context"
	"io"
	"net/http"
	"time"
)

// A call is one attempt to make a user, on its way through the SDK and the
// throttle. It travels in the request's context.
type call struct {
	row    *row
	start  time.Time
	sent   time.Time // when it left; zero: it did not
	status int       // of the answer; 0: none came
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// sender is the transport below the throttle. It sees a request when it really
// leaves: that is when the journal has to know of it, and how long it waited.
//
// What has left is not called back: at Ctrl-C those that stand in line leave it,
// and the few that are under way finish, so that their fate is known.
type sender struct {
	base    http.RoundTripper
	journal *journal
	timeout time.Duration
	waited  func(time.Duration)
}

// RoundTrip implements [http.RoundTripper].
func (s *sender) RoundTrip(req *http.Request) (*http.Response, error) {
	if g, ok := req.Context().Value(ghostKey{}).(*ghost); ok {
		return nil, g.hold(req.Context())
	}
	c, ok := req.Context().Value(callKey{}).(*call)
	if !ok {
		if err := s.journal.asked(); err != nil {
			return nil, err
		}
		return s.base.RoundTrip(req)
	}
	if err := s.journal.sent(c.row); err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	c.sent, c.status = time.Now(), 0
	s.waited(c.sent.Sub(c.start))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), s.timeout)
	resp, err := s.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	c.status = resp.StatusCode
	c.start = time.Now()                       // if the throttle sends it again, it waits from now
	resp.Body = &endingBody{resp.Body, cancel} // reading the body is part of the time
	return resp, nil
}

// endingBody ends its request's context when it is closed.
type endingBody struct {
	io.ReadCloser
	end context.CancelFunc
}

func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
