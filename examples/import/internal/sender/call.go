package sender

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
)

// A call is one request on its way through the SDK and the throttle. It travels
// in the request's context.
type call struct {
	makes  *users.User // nil: it makes nobody
	start  time.Time
	sent   time.Time // when it left; zero: it did not
	status int       // of the answer; 0: none came
}

type callKey struct{}

// recorder is the transport below the throttle. It sees a request when it really
// leaves: that is when the journal has to know of it, and how long it waited.
//
// What has left is not called back: at Ctrl-C those that stand in line leave it,
// and the few that are under way finish, so that their fate is known.
type recorder struct {
	base    http.RoundTripper
	journal Journal
	report  Report
	timeout time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if g, ok := req.Context().Value(ghostKey{}).(*ghost); ok {
		return nil, g.hold(req.Context())
	}
	c := req.Context().Value(callKey{}).(*call)
	if err := r.record(c); err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	c.sent, c.status = time.Now(), 0
	r.report.Sent(c.sent.Sub(c.start))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), r.timeout)
	resp, err := r.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	c.status = resp.StatusCode
	c.start = time.Now()                       // if the throttle sends it again, it waits from now
	resp.Body = &endingBody{resp.Body, cancel} // reading the body is part of the time
	return resp, nil
}

func (r *recorder) record(c *call) error {
	if c.makes != nil {
		return r.journal.Sent(c.makes.Key, c.makes.Line)
	}
	return r.journal.Asked()
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
