package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2act is what an HTTP/2 server does with the request on a stream.
type h2act func(f *http2.Framer, stream uint32) error

// refuse says that the request was not processed: it may be sent again.
func refuse(f *http2.Framer, stream uint32) error {
	return f.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
}

// goAway says that no request was processed, and that the connection ends.
func goAway(f *http2.Framer, _ uint32) error {
	return f.WriteGoAway(0, http2.ErrCodeNo, nil)
}

// cancelStream resets a request that may have been carried out.
func cancelStream(f *http2.Framer, stream uint32) error {
	return f.WriteRSTStream(stream, http2.ErrCodeInternal)
}

// status answers without a body.
func status(code string) h2act {
	return func(f *http2.Framer, stream uint32) error {
		var b bytes.Buffer
		if err := hpack.NewEncoder(&b).WriteField(hpack.HeaderField{Name: ":status", Value: code}); err != nil {
			return err
		}
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: b.Bytes(), EndHeaders: true, EndStream: true})
	}
}

// serveH2 plays one act per request on every connection, and repeats the last act.
func serveH2(t *testing.T, acts ...h2act) (url string, roots *x509.CertPool, stop func()) {
	t.Helper()
	// The httptest.Server only supplies its certificate.
	lender := httptest.NewTLSServer(http.NotFoundHandler())
	roots = x509.NewCertPool()
	roots.AddCert(lender.Certificate())
	certificates := lender.TLS.Certificates
	lender.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	conns := make(map[net.Conn]bool)
	next := func() h2act {
		mu.Lock()
		defer mu.Unlock()
		a := acts[0]
		if len(acts) > 1 {
			acts = acts[1:]
		}
		return a
	}
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			if conns == nil {
				_ = c.Close()
			} else {
				conns[c] = true
			}
			mu.Unlock()
			all.Go(func() {
				serveFrames(c, next)
				_ = c.Close()
				mu.Lock()
				defer mu.Unlock()
				delete(conns, c)
			})
		}
	})
	return "https://" + l.Addr().String() + "/v1/users", roots, func() {
		_ = l.Close()
		mu.Lock()
		for c := range conns { // a client may keep one after GOAWAY
			_ = c.Close()
		}
		conns = nil
		mu.Unlock()
		all.Wait()
	}
}

func serveFrames(c net.Conn, next func() h2act) {
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := http2.NewFramer(c, c)
	if f.WriteSettings() != nil {
		return
	}
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				err = f.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !frame.IsAck() {
				err = f.WritePing(true, frame.Data)
			}
		case *http2.HeadersFrame:
			err = next()(f, frame.StreamID)
		}
		if err != nil {
			return
		}
	}
}

// TestFaultsOfHTTP2: a request that the server says it has not processed is sent
// again, whatever the method, and each time costs a token.
func TestFaultsOfHTTP2(t *testing.T) {
	for _, c := range []struct {
		name, method string
		acts         []h2act
		status       int
		spent        int
	}{
		{"REFUSED_STREAM", "POST", []h2act{refuse, status("200")}, 200, 2},
		{"GOAWAY", "POST", []h2act{goAway, status("200")}, 200, 2},
		{"stream reset", "GET", []h2act{cancelStream, status("200")}, 200, 2},
		{"stream reset, POST", "POST", []h2act{cancelStream, status("200")}, 0, 1},
		{"429 without headers", "POST", []h2act{status("429"), status("200")}, 200, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, roots, stop := serveH2(t, c.acts...)
			defer stop()
			client := watch(t, &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}})
			ctx, end := context.WithTimeout(context.Background(), 10*time.Second)
			got, _, err := client.fetch(ctx, t, c.method, url)
			end()
			if got != c.status || (err == nil) != (c.status != 0) {
				t.Errorf("status %d, error %v; want status %d", got, err, c.status)
			}
			client.clean(t, c.spent)
		})
	}
}
