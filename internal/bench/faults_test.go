package bench

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Faults on a real connection leave nothing behind.

func TestFaultsOnTheWire(t *testing.T) {
	retryAfter := "Retry-After: 1\r\n"
	answer := func(status, header, body string) string {
		return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(body), body)
	}
	never := func(*wire) act { return reset }
	for _, c := range []struct {
		name   string
		method string
		acts   []func(*wire) act
		within time.Duration // the request's deadline; 0: ten seconds
		status int           // 0: an error instead
		cut    bool          // reading the body ends in an error
		spent  int           // tokens on their way back
	}{
		{name: "reset before the answer", acts: []func(*wire) act{then("", reset), answers(okText)}, status: 200, spent: 2},
		{name: "reset before the answer, POST", method: "POST", acts: []func(*wire) act{then("", reset), answers(okText)}, spent: 1},
		{name: "reset before the request", acts: []func(*wire) act{never, answers(okText)}, status: 200, spent: -1},
		{name: "reset during the answer's head", acts: []func(*wire) act{then("HTTP/1.1 200 OK\r\nConte", reset), answers(okText)}, status: 200, spent: 2},
		{name: "reset during the answer's body", acts: []func(*wire) act{then("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", reset)}, status: 200, cut: true, spent: 1},
		{name: "reset after the answer", acts: []func(*wire) act{then(okText, reset)}, status: 200, spent: 1},
		{name: "half-closed", acts: []func(*wire) act{then("", halfClose), answers(okText)}, status: 200, spent: 2},
		{name: "half-closed in the body", acts: []func(*wire) act{then("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", halfClose)}, status: 200, cut: true, spent: 1},
		{name: "no answer", acts: []func(*wire) act{then("", stall)}, within: 100 * time.Millisecond, spent: 1},
		{name: "stalled body", acts: []func(*wire) act{then("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", stall)}, within: 200 * time.Millisecond, status: 200, cut: true, spent: 1},
		{name: "stalled body of a 429", acts: []func(*wire) act{then("HTTP/1.1 429 x\r\nContent-Length: 100\r\n\r\nhalf", stall)}, within: 300 * time.Millisecond, spent: -1},
		{name: "429 without headers, then HTML", acts: []func(*wire) act{
			then(answer("429 Too Many Requests", "", "<html>slow down</html>"), reset), answers(okText),
		}, status: 200, spent: 2},
		{name: "429 with 10 MB", acts: []func(*wire) act{
			answers(answer("429 Too Many Requests", retryAfter, strings.Repeat("x", 10<<20)), okText),
		}, status: 200, spent: 2},
		{name: "503 with Retry-After", acts: []func(*wire) act{
			answers(answer("503 Service Unavailable", retryAfter, "down"), okText),
		}, status: 200, spent: 2},
		{name: "garbage", acts: []func(*wire) act{answers("SSH-2.0-OpenSSH\r\n")}, within: 300 * time.Millisecond, spent: -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := watch(t, new(http.Transport))
			server := newWire(t, c.acts...)
			ctx, end := context.WithTimeout(context.Background(), cmp.Or(c.within, 10*time.Second))
			c.method = cmp.Or(c.method, http.MethodGet)
			begin := time.Now()
			status, _, err := client.fetch(ctx, t, c.method, server.url)
			end()
			t.Logf("%d, %v, after %s; %d requests arrived", status, err, time.Since(begin).Round(time.Millisecond), server.seen.Load())
			switch {
			case c.status == 0 && status == 0 && err == nil:
				t.Error("neither an answer nor an error")
			case c.status != 0 && status != c.status:
				t.Errorf("status %d (%v), want %d", status, err, c.status)
			case c.status != 0 && (err != nil) != c.cut:
				t.Errorf("reading the body: %v; want an error: %t", err, c.cut)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			_ = server.Close()
			client.clean(t, c.spent)
			server.all.Wait()
		})
	}
}

// TestDNSAndTLSFailuresSpendNothing: nothing was sent, and the tokens are free.
func TestDNSAndTLSFailuresSpendNothing(t *testing.T) {
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	t.Run("TLS", func(t *testing.T) {
		ctx, end := context.WithTimeout(context.Background(), 10*time.Second)
		defer end()
		client := watch(t, &http.Transport{TLSHandshakeTimeout: time.Second})
		_, _, err := client.fetch(ctx, t, http.MethodPost, untrusted.URL+"/v1/users")
		if wrong := (*tls.CertificateVerificationError)(nil); !errors.As(err, &wrong) {
			t.Errorf("error %v, want one of the certificate's", err)
		}
		client.clean(t, 0)
	})
	t.Run("DNS", func(t *testing.T) {
		// Not before the last attempt: a resolver's error is retried.
		ctx, end := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer end()
		client := watch(t, &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "api.clerk.com", IsNotFound: true}}
		}})
		_, _, err := client.fetch(ctx, t, http.MethodPost, "http://api.clerk.com/v1/users")
		if wrong := (*net.DNSError)(nil); !errors.As(err, &wrong) {
			t.Errorf("error %v, want the resolver's", err)
		}
		client.clean(t, 0)
	})
}

// TestRedirectToAnotherHostNeverCarriesTheKey: the http.Client follows the redirect,
// each hop is a request of its own, and nothing adds the key to it.
func TestRedirectToAnotherHostNeverCarriesTheKey(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		client := watch(t, new(http.Transport))
		var key string
		other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { key = r.Header.Get("Authorization") }))
		first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/v1/users", status)
		}))
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, first.URL+"/v1/users", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer sk_test_faults")
		key = "nobody came"
		resp, err := (&http.Client{Transport: client}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if key != "" {
			t.Errorf("%d: the other host was sent %q", status, key)
		}
		first.Close()
		other.Close()
		client.clean(t, -1)
	}
}
