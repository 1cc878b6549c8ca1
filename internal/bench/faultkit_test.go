package bench

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// act is what a server does on one connection.
type act func(c *net.TCPConn, r *bufio.Reader)

// wire is a server on loopback that plays one act per connection, and repeats the
// last one.
type wire struct {
	net.Listener
	url  string
	seen atomic.Int64 // requests that were read
	all  sync.WaitGroup
}

func newWire(t *testing.T, acts ...func(w *wire) act) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, url: "http://" + l.Addr().String() + "/v1/users"}
	w.all.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			play := acts[min(n, len(acts)-1)](w)
			w.all.Go(func() {
				defer func() { _ = c.Close() }()
				play(c.(*net.TCPConn), bufio.NewReader(c))
			})
		}
	})
	return w
}

// read reads one request to its end.
func (w *wire) read(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	w.seen.Add(1)
	return err == nil
}

// answers answers the server's first request with the first text, and so on, and
// repeats the last one.
func answers(texts ...string) func(*wire) act {
	return func(w *wire) act {
		return func(c *net.TCPConn, r *bufio.Reader) {
			for w.read(r) {
				if _, err := io.WriteString(c, texts[min(int(w.seen.Load()), len(texts))-1]); err != nil {
					return
				}
			}
		}
	}
}

// then reads a request, sends some bytes, and calls end on the connection.
func then(text string, end func(*net.TCPConn, *bufio.Reader)) func(*wire) act {
	return func(w *wire) act {
		return func(c *net.TCPConn, r *bufio.Reader) {
			if !w.read(r) {
				return
			}
			_, _ = io.WriteString(c, text)
			time.Sleep(20 * time.Millisecond) // a reset overtakes what was sent before it
			end(c, r)
		}
	}
}

// reset resets the connection.
func reset(c *net.TCPConn, _ *bufio.Reader) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// halfClose closes the sending side and waits for the other.
func halfClose(c *net.TCPConn, r *bufio.Reader) {
	_ = c.CloseWrite()
	stall(c, r)
}

// stall does nothing until the client closes the connection.
func stall(_ *net.TCPConn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) }

const okText = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// watched is a client that counts what it leaves open.
type watched struct {
	*transport.Transport
	base       *http.Transport
	bodies     atomic.Int64 // open response bodies
	conns      atomic.Int64 // open connections
	goroutines int
}

func watch(t *testing.T, base *http.Transport) *watched {
	t.Helper()
	w := &watched{base: base, goroutines: runtime.NumGoroutine()}
	dial := base.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	base.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &countedConn{c, counted(&w.conns, c)}, nil
	}
	rt, err := clerkthrottle.NewTransport(
		clerkthrottle.WithBase(roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(req)
			if err == nil {
				resp.Body = &countedBody{resp.Body, counted(&w.bodies, resp.Body)}
			}
			return resp, err
		})),
		clerkthrottle.WithMaxWait(20*time.Second), clerkthrottle.WithLogger(quiet),
	)
	if err != nil {
		t.Fatal(err)
	}
	w.Transport = rt
	return w
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

type countedConn struct {
	net.Conn
	close func() error
}

func (c *countedConn) Close() error { return c.close() }

type countedBody struct {
	io.Reader
	close func() error
}

func (b *countedBody) Close() error { return b.close() }

// counted counts something as open until it is closed for the first time.
func counted(open *atomic.Int64, c io.Closer) (closed func() error) {
	open.Add(1)
	return sync.OnceValue(func() error {
		open.Add(-1)
		return c.Close()
	})
}

// fetch makes one request and reads the answer to its end. Status 0 means no answer.
func (w *watched) fetch(ctx context.Context, t *testing.T, method, url string) (status int, body string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk_test_faults")
	resp, err := w.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

// clean checks the state after a fault: every token is free or returning, no request
// waits, and no goroutine, body or connection is left. spent is how many tokens are
// returning; if negative, any number may be.
func (w *watched) clean(t *testing.T, spent int) {
	t.Helper()
	for _, l := range w.Snapshot().Limits {
		if l.InFlight != 0 || l.Waiting != 0 || l.Free+l.Returning != l.N || spent >= 0 && l.Returning != spent {
			t.Errorf("tokens: %+v, want none in flight and %d returning", l, spent)
		}
	}
	if n := w.bodies.Load(); n != 0 {
		t.Errorf("%d bodies are open", n)
	}
	w.CloseIdleConnections()
	w.base.CloseIdleConnections()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(5 * time.Second); w.conns.Load() > 0 || runtime.NumGoroutine() > w.goroutines; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Errorf("%d connections are open; %d goroutines, %d before:\n%s", w.conns.Load(), runtime.NumGoroutine(), w.goroutines,
				stacks[:runtime.Stack(stacks, true)])
			return
		}
	}
}
