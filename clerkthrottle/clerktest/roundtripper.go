package clerktest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// memoryAddress is the client address of requests in memory without an
// X-Forwarded-For (RFC 5737 reserves it for documentation).
const memoryAddress = "192.0.2.1"

// RoundTripper returns a transport that answers requests to any host in memory, on
// the caller's goroutine, leaving nothing behind. Inside a testing/synctest bubble
// its latency is virtual time. Each call makes a new client, see [Server.Violations];
// all share the server's state. Time differs between bubbles: use a server in one
// only, or call Reset between them.
func (s *Server) RoundTripper() http.RoundTripper {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients++
	return &memoryTransport{s, client{id: s.clients}}
}

type memoryTransport struct {
	s      *Server
	client client
}

func (m *memoryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }()
	}
	if req.URL == nil {
		return nil, errors.New("clerktest: nil Request.URL")
	}
	a, err := m.s.serve(req, m.client)
	if err != nil {
		return nil, err
	}
	resp := &http.Response{
		Status:        fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.header,
		ContentLength: int64(len(a.body)),
		Body:          http.NoBody,
		Request:       req,
	}
	switch {
	case req.Method == http.MethodHead:
	case a.stall != 0:
		resp.Body = newStalledBody(req.Context(), a)
	default:
		resp.Body = io.NopCloser(bytes.NewReader(a.body))
	}
	return resp, nil
}

// stalledBody returns half of its bytes, waits, and returns the rest, unless its
// context ends first. Like any body it is read by one goroutine at a time; Close may
// be called by another.
type stalledBody struct {
	io.Reader
	close context.CancelCauseFunc
}

func newStalledBody(ctx context.Context, a answer) stalledBody {
	ctx, end := context.WithCancelCause(ctx)
	half := len(a.body) / 2
	pause := readerFunc(func([]byte) (int, error) { return 0, cmp.Or(wait(ctx, a.stall), io.EOF) })
	return stalledBody{io.MultiReader(bytes.NewReader(a.body[:half]), pause, bytes.NewReader(a.body[half:])), end}
}

func (b stalledBody) Close() error {
	b.close(http.ErrBodyReadAfterClose)
	return nil
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
