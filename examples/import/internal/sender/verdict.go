package sender

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"

	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/journal"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
)

// maxAttempts is how often a request is tried that got no clear answer, with
// pauses of 1, 2, 4 and 8 seconds. After that Clerk is taken to be down, and the
// import stops; the next run goes on.
const maxAttempts = 5

type verdict int

const (
	worked    verdict = iota
	unclear           // it may have been carried out
	conflicts         // an identifier is taken
	refused           // the row is at fault
	absent            // there is no such user
	stops             // every other row would fare the same
)

// send sends one request, and judges what became of it.
func (s *Sender) send(ctx context.Context, makes *users.User, request func(context.Context) error) (verdict, *call, error) {
	c := &call{makes: makes, start: time.Now()}
	err := request(context.WithValue(ctx, callKey{}, c))
	v := c.verdict(err)
	if v == unclear {
		s.silent.Add(1)
	} else if c.status != 0 {
		s.silent.Store(0)
	}
	return v, c, err
}

// verdict tells by the answer what an error means. The SDK's error does not
// always know the status, so it comes from below.
func (c *call) verdict(err error) verdict {
	switch {
	case err == nil:
		return worked
	case c.sent.IsZero(), errors.Is(err, journal.ErrBroken):
		return stops // refused by the throttle, interrupted, or not recorded
	case c.status == 0, c.status < 300, c.status >= 500, c.status == http.StatusRequestTimeout:
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

// again waits before another attempt, if there is to be one.
func (s *Sender) again(ctx context.Context, u *users.User, attempt int, c *call, err error) error {
	if attempt == maxAttempts {
		return fmt.Errorf("line %d: no clear answer after %d attempts, the last: %w", u.Line, attempt, c.explain(err))
	}
	return pause(ctx, time.Second<<(attempt-1))
}

// explain says what to do about an error that stops everything.
func (c *call) explain(err error) error {
	switch c.status {
	case http.StatusUnauthorized:
		return fmt.Errorf("Clerk does not accept CLERK_SECRET_KEY: %s", message(err)) //nolint:revive,staticcheck // a name
	case http.StatusForbidden, http.StatusPaymentRequired, http.StatusNotFound, http.StatusTooManyRequests, http.StatusUnprocessableEntity:
		return fmt.Errorf("Clerk refuses every user like this (status %d): %s", c.status, message(err)) //nolint:revive,staticcheck // a name
	}
	return err
}

// message takes the words out of an error of the SDK, which is a whole JSON
// document.
func message(err error) string {
	api := (*clerk.APIErrorResponse)(nil)
	if !errors.As(err, &api) || len(api.Errors) == 0 {
		return err.Error()
	}
	var parts []string
	for _, e := range api.Errors {
		parts = append(parts, fmt.Sprintf("%s (%s)", strings.TrimSuffix(e.LongMessage, "."), e.Code))
	}
	return strings.Join(parts, "; ")
}

// pause waits unless the context ends before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
