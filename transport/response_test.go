package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Response bodies: closed where the transport keeps the answer to itself, whole
// where it hands it back, and read ahead neither without bound nor for ever.

func TestBodyOfARetriedAnswerIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bodies []*watched
		answer := func(c int, body string) func() (*http.Response, error) {
			return func() (*http.Response, error) {
				resp := status(c, body)
				resp.Header.Set("Retry-After", "1")
				bodies = append(bodies, resp.Body.(*watched))
				return resp, nil
			}
		}
		long := strings.Repeat("x", 1<<20)
		srv := newServer(script(answer(429, "short"), answer(503, "short"), answer(429, long), answer(502, long)))
		mustGet(t, newTransport(t, srv, limit(10, time.Second)), "/a")
		if len(bodies) != 4 {
			t.Fatalf("%d answers before the last, want 4", len(bodies))
		}
		for i, b := range bodies {
			if b.closed() == 0 {
				t.Errorf("body %d was left open", i)
			}
		}
	})
}

// counted notes how much was read of it.
type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

func TestHugeBodyOf429IsHandedBackWholeAndReadAheadALittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		huge := strings.Repeat("0123456789", 1<<20) // 10 MB
		body := &counted{Reader: strings.NewReader(huge)}
		open := watch(body)
		srv := newServer(script(func() (*http.Response, error) {
			resp := status(http.StatusTooManyRequests, "")
			resp.Header.Set("Retry-After", "3600")
			resp.Body = open
			return resp, nil
		}))
		resp, err := get(newTransport(t, srv, limit(10, time.Second), maxWait(time.Minute)), "/a")
		if err != nil {
			t.Fatal(err)
		}
		if body.n > 128<<10 {
			t.Errorf("%d bytes were read ahead", body.n)
		}
		if time.Sleep(time.Minute); open.closed() != 0 {
			t.Error("the body was closed while the caller took his time")
		}
		if got := readAll(t, resp); got != huge {
			t.Errorf("%d bytes came back, want %d, the same ones", len(got), len(huge))
		}
	})
}

func TestHugeBodyOf429IsNotDrainedForARetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := &counted{Reader: strings.NewReader(strings.Repeat("x", 10<<20))}
		closed := watch(body)
		srv := newServer(script(func() (*http.Response, error) {
			resp := status(http.StatusTooManyRequests, "")
			resp.Header.Set("Retry-After", "1")
			resp.Body = closed
			return resp, nil
		}))
		mustGet(t, newTransport(t, srv, limit(10, time.Second)), "/a")
		if body.n > 256<<10 || closed.closed() == 0 {
			t.Errorf("%d bytes were drained, closed %d times; want a little, and closed", body.n, closed.closed())
		}
	})
}

// stalled is a body that never ends and never goes on, until it is closed.
type stalled struct {
	head   io.Reader
	closed chan struct{}
}

func stall(head string) *stalled { return &stalled{strings.NewReader(head), make(chan struct{})} }

var errReadAfterClose = errors.New("read on closed body")

func (s *stalled) Read(p []byte) (int, error) {
	if n, err := s.head.Read(p); err == nil {
		return n, nil
	}
	<-s.closed
	return 0, errReadAfterClose
}

func (s *stalled) Close() error {
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	return nil
}

func stalled429(head string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		resp := status(http.StatusTooManyRequests, "")
		resp.Header.Set("Retry-After", "10")
		resp.Body = stall(head)
		return resp, nil
	}
}

func TestStalled429BodyHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, head := range []string{"", "half", strings.Repeat("x", 100<<10)} {
			srv := newServer(script(stalled429(head)))
			mustGet(t, newTransport(t, srv, limit(10, time.Second)), "/a")
			if at := srv.times(""); len(at) != 2 || at[1] != 10*time.Second {
				t.Errorf("%d bytes, then a stall: sent at %v, want 0s and 10s", len(head), at)
			}
		}
	})
}

func TestStalled429BodyBlocksFromItsHeaderOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(stalled429("half")))
		rt := newTransport(t, srv, limit(10, time.Second))
		go func() { _, _ = get(rt, "/a") }()
		time.Sleep(time.Second)
		mustGet(t, rt, "/a")
		time.Sleep(time.Minute)
		if at := srv.times(""); at[1] != 10*time.Second {
			t.Errorf("sent at %v while the server blocks until 10s", at)
		}
	})
}

func TestStalled429BodyShowsItsErrorToTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(stalled429("half")))
		resp, err := get(newTransport(t, srv, limit(10, time.Second), maxWait(0)), "/a")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if string(got) != "half" || err == nil {
			t.Errorf("read (%q, %v), want the half and an error, lest it passes for the whole", got, err)
		}
		resp.Body.Close()
	})
}

// A failure's body may stall as well, and is read ahead for the same reason.
func TestStalledFailureBodyHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(func() (*http.Response, error) {
			resp := status(http.StatusServiceUnavailable, "")
			resp.Body = stall("half")
			return resp, nil
		}))
		start := time.Now()
		mustGet(t, newTransport(t, srv, limit(10, time.Second)), "/a")
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestNilBodyOf429IsNoPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(func() (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusTooManyRequests}, nil
		}))
		mustGet(t, newTransport(t, srv, limit(10, time.Second)), "/a")
	})
}

// failsafe-go#123, the other half: a cancelled wait hands no answer back, so it
// closes the one that it held.
func TestAnswerHeldThroughACancelledWaitIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held *stalled
		srv := newServer(script(func() (*http.Response, error) {
			resp := status(http.StatusTooManyRequests, "")
			resp.Header.Set("Retry-After", "60")
			held = stall(strings.Repeat("x", 100<<10)) // too long to be read ahead
			resp.Body = held
			return resp, nil
		}))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		_, err := newTransport(t, srv, limit(10, time.Second)).RoundTrip(request(ctx, http.MethodGet, "/a", nil))
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want context.Canceled", err)
		}
		select {
		case <-held.closed:
		default:
			t.Error("the body of the 429 was left open")
		}
	})
}
