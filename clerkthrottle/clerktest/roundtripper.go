package clerktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// memoryAddress is the client address of every request in memory that has no
// X-Forwarded-For (RFC 5737 keeps it free for such uses).
const memoryAddress = "192.0.2.1"

// RoundTripper returns a transport that answers in memory, whatever the
// request's host: on the caller's goroutine, leaving nothing behind. Inside a
// testing/synctest bubble its latency is virtual time. Each call makes another
// client, see [Server.Violations]; all of them share the server's state. Time
// differs from bubble to bubble: use a server in one, or Reset it between.
func (s *Server) RoundTripper() http.RoundTripper {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients++
	return &memoryTransport{s: s, id: s.clients}
}

type memoryTransport struct {
	s  *Server
	id int
}

func (m *memoryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }()
	}
	if req.URL == nil {
		return nil, errors.New("clerktest: nil Request.URL")
	}
	t, a, err := m.s.serve(req, client{id: m.id})
	if err != nil {
		return nil, err
	}
	m.s.handBack(t, 0)
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
		resp.Body = &stalledBody{ctx: req.Context(), rest: a.body, half: len(a.body) / 2, stall: a.stall, closed: make(chan struct{})}
	default:
		resp.Body = io.NopCloser(bytes.NewReader(a.body))
	}
	return resp, nil
}

// stalledBody gives half of its bytes, waits, and gives the rest. Like any
// body it is read by one goroutine at a time; Close may come from another.
type stalledBody struct {
	ctx   context.Context
	rest  []byte
	half  int
	stall time.Duration

	once   sync.Once
	closed chan struct{}
}

func (b *stalledBody) Read(p []byte) (int, error) {
	select {
	case <-b.closed:
		return 0, http.ErrBodyReadAfterClose
	default:
	}
	part := b.rest
	switch {
	case b.half > 0:
		part = b.rest[:b.half]
	case b.stall != 0:
		if err := stall(b.ctx, b.closed, b.stall); err != nil {
			return 0, err
		}
		b.stall = 0
	}
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, part)
	b.rest = b.rest[n:]
	b.half -= n
	return n, nil
}

func (b *stalledBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// stall waits for d, or without end if that is negative.
func stall(ctx context.Context, closed <-chan struct{}, d time.Duration) error {
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
		return nil
	case <-closed:
		return http.ErrBodyReadAfterClose
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
