package transport_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// What needs a socket: redirects by a real client, bodies sent again by a real
// transport, connections that break.

// overSocket starts a server and returns its address and a transport to it.
func overSocket(t *testing.T, h http.HandlerFunc, change ...func(*httptest.Server)) (string, *transport.Transport) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	for _, f := range change {
		f(srv)
	}
	if srv.TLS == nil && !srv.EnableHTTP2 {
		srv.Start()
	} else {
		srv.StartTLS()
	}
	t.Cleanup(srv.Close)
	return srv.URL, newTransport(t, srv.Client().Transport, limit(100, time.Second))
}

// go-retryablehttp#128: redirects were followed inside RoundTrip.
func TestRedirectIsNotFollowedInsideRoundTrip(t *testing.T) {
	for name, first := range map[string]int{"at once": http.StatusOK, "in a retry": http.StatusServiceUnavailable} {
		var visits atomic.Int32
		url, rt := overSocket(t, func(w http.ResponseWriter, r *http.Request) {
			if visits.Add(1) == 1 && first != http.StatusOK {
				w.WriteHeader(first)
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		})
		req, _ := http.NewRequest(http.MethodGet, url+"/a", nil)
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != "/elsewhere" {
			t.Errorf("%s: status %d to %q, want the 302 itself", name, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
}

func TestRedirectIsFollowedByTheClientOnce(t *testing.T) {
	var paths []string
	url, rt := overSocket(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		paths = append(paths, r.URL.Path+" "+string(body))
		switch len(paths) {
		case 1:
			w.Header().Set("Retry-After", "0.05")
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			http.Redirect(w, r, "/b", http.StatusTemporaryRedirect)
		}
	})
	resp, err := (&http.Client{Transport: rt}).Post(url+"/a", "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := strings.Join(paths, ", "); got != "/a body, /a body, /b body" {
		t.Errorf("the server saw %s", got)
	}
}

func TestBodyIsSentAgainOverASocket(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		var bodies []string
		url, rt := overSocket(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(body)+" "+r.Proto)
			if len(bodies) == 1 {
				w.Header().Set("Retry-After", "0.05")
				w.WriteHeader(http.StatusTooManyRequests)
			}
		}, func(s *httptest.Server) { s.EnableHTTP2 = http2 })
		for name, body := range map[string]io.Reader{"GetBody": strings.NewReader("hello"), "buffered": watch(strings.NewReader("hello"))} {
			bodies = nil
			req, _ := http.NewRequest(http.MethodPost, url, body)
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			proto := " HTTP/1.1"
			if http2 {
				proto = " HTTP/2.0"
			}
			if len(bodies) != 2 || bodies[0] != "hello"+proto || bodies[1] != bodies[0] || resp.StatusCode != 200 {
				t.Errorf("%s: the server saw %q", name, bodies)
			}
		}
	}
}

// hangUp closes the connection of a request, after reading it, without a word.
func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, not an end
	}
	_ = conn.Close()
}

func TestConnectionResetAfterSendingIsTriedAgainOnlyIfSafe(t *testing.T) {
	for method, want := range map[string]int32{http.MethodPost: 1, http.MethodPut: 2} {
		var visits atomic.Int32
		url, rt := overSocket(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			if visits.Add(1) == 1 {
				hangUp(w)
			}
		})
		req, _ := http.NewRequest(method, url, strings.NewReader("body"))
		resp, err := rt.RoundTrip(req)
		if visits.Load() != want || (err == nil) != (want == 2) {
			t.Errorf("%s: %d visits and error %v, want %d", method, visits.Load(), err, want)
		}
		if resp != nil {
			resp.Body.Close()
		}
		if b := bucketOf(t, rt.Snapshot(), "shared"); b.InFlight != 0 || b.Returning != int(want) {
			t.Errorf("%s: %+v, want %d tokens on their way back", method, b, want)
		}
	}
}

func TestConnectionRefusedIsTriedAgainForAPost(t *testing.T) {
	url, _ := overSocket(t, func(http.ResponseWriter, *http.Request) {})
	down, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := down.Addr().String()
	_ = down.Close()
	dials := 0
	base := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials++; dials == 1 {
			addr = nobody
		}
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
	defer base.CloseIdleConnections()
	rt := newTransport(t, base, limit(100, time.Minute))
	req, _ := http.NewRequest(http.MethodPost, url, strings.NewReader("body"))
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if b := bucketOf(t, rt.Snapshot(), "shared"); dials != 2 || b.Returning != 1 {
		t.Errorf("%d dials, %+v; want two, and one token spent", dials, b)
	}
}
