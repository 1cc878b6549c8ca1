package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What is tried again, how often, and when.

var (
	errReset = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
	errDial  = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errDNS   = &net.DNSError{Name: "server.test", Err: "no such host"}
	errCert  = &tls.CertificateVerificationError{Err: errors.New("signed by nobody")}
)

// 429 is safe to repeat for any method; a 5xx or a broken connection leaves
// open whether the request was carried out.
func TestOnlyWhatIsSafeIsTriedAgain(t *testing.T) {
	tests := []struct {
		name   string
		method string
		answer func() (*http.Response, error)
		again  bool
	}{
		{"429 POST", http.MethodPost, tooMany("1"), true},
		{"429 PATCH", http.MethodPatch, tooMany("1"), true},
		{"429 GET", http.MethodGet, tooMany("1"), true},
		{"502 GET", http.MethodGet, code(502), true},
		{"503 GET", http.MethodGet, code(503), true},
		{"504 PUT", http.MethodPut, code(504), true},
		{"503 DELETE", http.MethodDelete, code(503), true},
		{"502 POST", http.MethodPost, code(502), false},
		{"503 POST", http.MethodPost, code(503), false},
		{"504 PATCH", http.MethodPatch, code(504), false},
		{"500 GET", http.MethodGet, code(500), false},
		{"501 GET", http.MethodGet, code(501), false},
		{"404 GET", http.MethodGet, code(404), false},
		{"409 PUT", http.MethodPut, code(409), false},
		{"reset GET", http.MethodGet, fail(errReset), true},
		{"reset POST", http.MethodPost, fail(errReset), false},
		{"cut GET", http.MethodGet, fail(io.ErrUnexpectedEOF), true},
		{"dial POST", http.MethodPost, fail(errDial), true},
		{"dial GET", http.MethodGet, fail(errDial), true},
		{"DNS POST", http.MethodPost, fail(errDNS), true},
		{"certificate GET", http.MethodGet, fail(errCert), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := newServer(script(tt.answer))
				resp, err := newTransport(t, srv, limit(10, sec)).RoundTrip(request(t.Context(), tt.method, "/a", strings.NewReader("x")))
				want := 1
				if tt.again {
					want = 2
				}
				if n := len(srv.log()); n != want {
					t.Errorf("sent %d times, want %d", n, want)
				}
				if tt.again && (err != nil || resp.StatusCode != http.StatusOK) {
					t.Errorf("got (%v, %v), want the second answer", resp, err)
				}
			})
		})
	}
}

func TestIdempotencyKeyMakesAPostSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(code(503), fail(errReset)))
		req := request(t.Context(), http.MethodPost, "/a", strings.NewReader("x"))
		req.Header.Set("Idempotency-Key", "1")
		resp, err := newTransport(t, srv, limit(10, sec)).RoundTrip(req)
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("got (%v, %v)", resp, err)
		}
	})
}

// Retries of this layer must not multiply with those below or above it.
func TestFailureIsTriedAgainThreeTimesAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, answer := range map[string]func() (*http.Response, error){"503": code(503), "reset": fail(errReset), "dial": fail(errDial)} {
			srv := newServer(func(visit) (*http.Response, error) { return answer() })
			resp, err := get(newTransport(t, srv, limit(10, sec)), "/a")
			if n := len(srv.log()); n != 4 {
				t.Errorf("%s: sent %d times, want 4", name, n)
			}
			if took := time.Since(srv.start); took < sec || took > 10*sec {
				t.Errorf("%s: gave up after %s, want seconds", name, took)
			}
			if name == "503" {
				if err != nil || resp.StatusCode != 503 || readAll(t, resp) != "code" {
					t.Errorf("%s: got (%v, %v), want the last answer whole", name, resp, err)
				}
			} else if resp != nil || !errors.Is(err, errReset) && !errors.Is(err, errDial) {
				t.Errorf("%s: got (%v, %v), want the base's own error", name, resp, err)
			}
		}
	})
}

func TestFailureIsNotWaitedForBeyondTheBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(func() (*http.Response, error) {
			resp := status(503, "down")
			resp.Header.Set("Retry-After", "3600")
			return resp, nil
		}))
		resp, err := get(newTransport(t, srv, limit(10, sec), maxWait(time.Minute)), "/a")
		if err != nil || resp.StatusCode != 503 || time.Since(srv.start) != 0 {
			t.Fatalf("got (%v, %v) after %s, want the 503 at once", resp, err, time.Since(srv.start))
		}
		if got := readAll(t, resp); got != "down" {
			t.Errorf("body %q", got)
		}
	})
}

func TestRetryAfterOfA503IsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(func() (*http.Response, error) {
			resp := status(503, "down")
			resp.Header.Set("Retry-After", "7")
			return resp, nil
		}))
		mustGet(t, newTransport(t, srv, limit(10, sec)), "/a")
		if at := srv.times("")[1]; at != 7*sec {
			t.Errorf("tried again at %s, want 7s", at)
		}
	})
}

// Without a time to wait, or with none worth the name, the gate backs off.
func Test429WithoutATimeIsNoHotLoop(t *testing.T) {
	for name, header := range map[string][]string{
		"none": nil, "zero": {"0"}, "negative": {"-1"}, "word": {"soon"}, "empty": {""},
		"past": {"Sun, 06 Nov 1994 08:49:37 GMT"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := newServer(func(visit) (*http.Response, error) { return tooMany(header...)() })
				resp, err := get(newTransport(t, srv, limit(1000, sec), maxWait(time.Minute)), "/a")
				if err != nil || resp.StatusCode != 429 {
					t.Fatalf("got (%v, %v)", resp, err)
				}
				at := srv.times("")
				if len(at) < 4 || len(at) > 12 {
					t.Errorf("%d requests in a minute, want a handful: %v", len(at), at)
				}
				if at[1] < sec/2 || at[1] > 3*sec/2 {
					t.Errorf("the first pause was %s, want about a second", at[1])
				}
				if last := len(at) - 1; at[last]-at[last-1] < 5*sec {
					t.Errorf("the pauses do not grow: %v", at)
				}
			})
		})
	}
}

// One event however many answers it spreads over: the backoff takes one step.
func TestBlind429sInFlightAreOneStepOfTheBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(v visit) (*http.Response, error) {
			if v.at == 0 {
				time.Sleep(time.Duration(v.nth) * time.Millisecond)
				return tooMany()()
			}
			return status(200, "ok"), nil
		})
		clients(t, newTransport(t, srv, limit(1000, sec)), 100, "/a")
		if at := srv.times(""); at[len(at)-1] > 2*sec {
			t.Errorf("a hundred 429s of one moment blocked until %s", at[len(at)-1])
		}
	})
}

func TestEveryAttemptTakesATokenOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(code(503), code(503), tooMany("1"), code(503)))
		mustGet(t, newTransport(t, srv, limit(1, 10*sec)), "/a")
		if at := srv.times(""); mostInWindow(at, 10*sec) != 1 || len(at) != 5 {
			t.Errorf("sent at %v, want five, 10s apart", at)
		}
	})
}

// The request surely never left: its token is free at once.
func TestUnsentRequestSpendsNothing(t *testing.T) {
	for _, learn := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv := newServer(func(v visit) (*http.Response, error) {
				if v.nth < 50 {
					return nil, errDial
				}
				return status(200, "ok"), nil
			})
			table := limit(2, 10*sec)
			table.learn = learn
			rt := newTransport(t, srv, table, maxWait(0))
			for range 50 {
				if _, err := get(rt, "/a"); !errors.Is(err, errDial) {
					t.Fatalf("learn %t: got %v, want the base's error", learn, err)
				}
			}
			clients(t, rt, 2, "/a")
		})
	}
}
