package edge

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A client with all the connections that it may have is told so at once, and
// others still get in.
func TestOneClientDoesNotTakeAllConnections(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	s.Listener = &Listener{s.Listener, NewPool(5)}
	s.Start()
	defer s.Close()
	ask := func(from string) (net.Conn, int) {
		conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
		if err != nil {
			t.Skip("left out: this machine has one loopback address: ", err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode == http.StatusTooManyRequests && (resp.Header.Get("Retry-After") != "1" || len(body) != 109) {
			t.Errorf("%s, Retry-After %q, %q: %v", resp.Status, resp.Header.Get("Retry-After"), body, err)
		}
		return conn, resp.StatusCode
	}
	var last net.Conn
	for i := range 4 {
		var status int
		if last, status = ask("127.0.0.1"); status != http.StatusOK {
			t.Errorf("connection %d: %d", i+1, status)
		}
	}
	if _, status := ask("127.0.0.1"); status != http.StatusTooManyRequests {
		t.Errorf("a fifth: %d", status)
	}
	if _, status := ask("127.0.0.2"); status != http.StatusOK {
		t.Errorf("another client: %d", status)
	}
	_ = last.Close()
	for range 1000 { // until the server has seen that
		if _, status := ask("127.0.0.1"); status == http.StatusOK {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a place that was left stays taken")
}
