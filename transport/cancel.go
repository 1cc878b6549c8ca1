package transport

import (
	"context"
	"errors"
	"net/http"
)

var errCancelled = errors.New("transport: the request's Cancel channel was closed")

// waitContext returns the context of a request's waits: its own, which ends with the
// channel as well where the request has one. net/http still honours it, although
// contexts have replaced it.
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

// givenUp reports whether the caller has given a request up.
func givenUp(req *http.Request) bool {
	select {
	case <-req.Cancel: //nolint:staticcheck // see waitContext
		return true
	default:
		return req.Context().Err() != nil
	}
}
