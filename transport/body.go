package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

// maxReplay is the largest request body without a GetBody that is kept in
// memory for a retry. A longer one is streamed, and sent once.
const maxReplay = 1 << 20

// getBody returns a fresh copy of a request's body. nil means that the request
// cannot be sent again.
type getBody func() (io.ReadCloser, error)

func noBody() (io.ReadCloser, error) { return http.NoBody, nil }

// replayable returns the request to send and the way to its body for a retry.
// The request is the caller's own where it can be replayed as it is, and
// otherwise a copy with the body in memory. On an error the body is closed.
func replayable(req *http.Request) (*http.Request, getBody, error) {
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		return req, noBody, nil
	case req.GetBody != nil:
		return req, req.GetBody, nil
	case req.ContentLength > maxReplay:
		return req, nil, nil
	case req.Context().Err() != nil:
		closeBody(req)
		return nil, nil, context.Cause(req.Context())
	}
	// The read may stall, and nobody else looks at the context yet.
	open := context.AfterFunc(req.Context(), func() { req.Body.Close() })
	head, err := io.ReadAll(io.LimitReader(req.Body, maxReplay+1))
	switch {
	case !open():
		return nil, nil, context.Cause(req.Context())
	case err != nil:
		return nil, nil, errors.Join(err, req.Body.Close())
	}
	out := *req
	if len(head) > maxReplay { // of unknown length, and too long after all
		out.Body = &peeked{Reader: io.MultiReader(bytes.NewReader(head), req.Body), rest: req.Body}
		return &out, nil, nil
	}
	if err := req.Body.Close(); err != nil {
		return nil, nil, err
	}
	// The base may want the body again, too, for a fresh connection.
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(head)), nil }
	out.Body, _ = out.GetBody()
	return &out, out.GetBody, nil
}

// closeBody closes a request's body, as every RoundTripper must, errors or not.
func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
