package sender

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"

	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/journal"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
)

// answerTimeout is how long Clerk may take for an answer.
const answerTimeout = time.Minute

// A call is one request on its way through the SDK and the throttle. It travels
// in the request's context.
type call struct {
	makes  *users.User // nil: it makes nobody
	start  time.Time
	left   bool // it was sent
	status int  // of the answer; 0: none came
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
}

// RoundTrip implements [http.RoundTripper].
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	c := req.Context().Value(callKey{}).(*call)
	var err error
	if c.makes != nil {
		err = r.journal.Sent(c.makes.Key)
	} else {
		err = r.journal.Asked()
	}
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	r.report.Sent(time.Since(c.start))
	c.left, c.status = true, 0
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), answerTimeout)
	defer cancel()
	resp, err := r.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	c.status, c.start = resp.StatusCode, time.Now() // if the throttle sends it again, it waits from now
	return resp, nil
}

// maxAttempts is how often something is tried that gets no clear answer, with
// pauses of 1, 2, 4 and 8 seconds. After that Clerk is taken to be down, and the
// import stops; the next run goes on.
const maxAttempts = 5

// unclearError means that a request may have been carried out, or not.
type unclearError struct{ error }

// insist tries until it is clear what became of it. attempt counts from 1.
func insist(ctx context.Context, try func(attempt int) error) error {
	for attempt := 1; ; attempt++ {
		err, unclear := try(attempt), (*unclearError)(nil)
		if !errors.As(err, &unclear) {
			return err
		}
		if attempt == maxAttempts {
			return fmt.Errorf("no clear answer after %d attempts, the last: %w", attempt, unclear.error)
		}
		if err := pause(ctx, time.Second<<(attempt-1)); err != nil {
			return err
		}
	}
}

// pause waits unless the context ends before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

type verdict int

const (
	worked    verdict = iota
	unclear           // an [unclearError]
	conflicts         // an identifier is taken
	refused           // the row is at fault
	absent            // there is no such user
	stops             // every other row would fare the same
)

// send sends one request, and judges what became of it. There is an error unless
// it worked.
func (s *Sender) send(ctx context.Context, makes *users.User, request func(context.Context) error) (verdict, error) {
	c := &call{makes: makes, start: time.Now()}
	err := request(context.WithValue(ctx, callKey{}, c))
	v := c.verdict(err)
	if v == unclear {
		s.silent.Add(1)
	} else if c.status != 0 {
		s.silent.Store(0)
	}
	err = explain(err)
	switch {
	case c.status == http.StatusUnauthorized:
		err = fmt.Errorf("status 401, Clerk does not accept CLERK_SECRET_KEY: %w", err)
	case c.status != 0 && (v == stops || v == absent):
		err = fmt.Errorf("status %d: %w", c.status, err)
	case v == unclear:
		err = &unclearError{err}
	}
	return v, err
}

// verdict tells by the answer what an error means. The SDK's error does not
// always know the status, so it comes from below.
func (c *call) verdict(err error) verdict {
	switch {
	case err == nil:
		return worked
	case !c.left, errors.Is(err, journal.ErrBroken):
		return stops // refused by the throttle, interrupted, or not recorded
	case c.status < 300, c.status >= 500, c.status == http.StatusRequestTimeout:
		return unclear
	}
	switch c.status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusTooManyRequests:
		return stops
	case http.StatusNotFound:
		return absent
	case http.StatusConflict:
		return conflicts
	}
	api := (*clerk.APIErrorResponse)(nil)
	if !errors.As(err, &api) {
		return unclear
	}
	for _, e := range api.Errors {
		switch {
		case strings.Contains(e.Code, "quota_exceeded"):
			return stops
		case strings.HasSuffix(e.Code, "_exists"), strings.HasPrefix(e.Code, "duplicate"):
			return conflicts
		}
	}
	return refused
}

// explain takes the words out of an error of the SDK, which is a whole JSON
// document.
func explain(err error) error {
	api := (*clerk.APIErrorResponse)(nil)
	if !errors.As(err, &api) || len(api.Errors) == 0 {
		return err
	}
	var parts []string
	for _, e := range api.Errors {
		parts = append(parts, fmt.Sprintf("%s (%s)", strings.TrimSuffix(e.LongMessage, "."), e.Code))
	}
	return errors.New(strings.Join(parts, "; "))
}
