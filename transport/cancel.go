package transport

import (
	"context"
	"errors"
	"net/http"
)

var errCancelled = errors.New("transport: the request's Cancel channel was closed")

// waitContext returns the context of a request's waits: its own, which also ends when
// its Cancel channel is closed. net/http still honors that deprecated field.
func waitContext(req *http.Request) (context.Context, func()) {
	channel := req.Cancel //nolint:staticcheck // see above
	if channel == nil {
		return req.Context(), func() {}
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	go func() {
		select {
		case <-channel:
			cancel(errCancelled)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// givenUp reports whether the caller has given up on a request.
func givenUp(req *http.Request) bool {
	select {
	case <-req.Cancel: //nolint:staticcheck // see waitContext
		return true
	default:
		return req.Context().Err() != nil
	}
}
