package clerktest_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// faulty returns a server with this fault for the first request.
func faulty(f clerktest.Fault, more ...clerktest.Option) *clerktest.Server {
	return clerktest.New(append(more, clerktest.WithFault(func(_ *http.Request, n int) clerktest.Fault {
		if n == 1 {
			return f
		}
		return clerktest.Fault{}
	}))...)
}

const newUser = `{"email_address":["ada@example.com"]}`

func TestFaultyStatusComesAfterTheLimits(t *testing.T) {
	carriedOut := 0
	server := faulty(clerktest.Fault{Status: 503, Header: http.Header{"retry-after": {"2"}}},
		clerktest.WithHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { carriedOut++ })))
	r := in(server).do(t, "POST /v1/users", newUser)
	if r.status != 503 || r.retryAfter() != "2" || r.code(t) != "service_unavailable" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	if carriedOut != 0 {
		t.Error("the operation was carried out")
	}
	if st := server.Stats(); st.Accepted != 1 || st.Faults != 1 || st.Rejected != 0 {
		t.Errorf("%+v", st)
	}
}

func TestLostRequestIsNotCounted(t *testing.T) {
	server := faulty(clerktest.Fault{Loss: clerktest.RequestLost})
	_, err := in(server).try("POST /v1/users", newUser)
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "dial" || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("error %v", err)
	}
	if st := server.Stats(); st.Sent != 1 || st.Accepted != 0 || len(server.Requests()) != 0 {
		t.Errorf("it arrived: %+v", st)
	}
}

func TestRequestOfALostAnswerIsCounted(t *testing.T) {
	mine := errors.New("mine")
	for _, want := range []error{syscall.ECONNRESET, mine} {
		f := clerktest.Fault{Loss: clerktest.AnswerLost}
		if errors.Is(want, mine) {
			f.Err = mine
		}
		carriedOut := 0
		server := faulty(f, clerktest.WithHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { carriedOut++ })))
		if _, err := in(server).try("POST /v1/users", newUser); !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
		if log := server.Requests(); len(log) != 1 || !log[0].Accepted || !log[0].Lost {
			t.Errorf("log %+v", log)
		}
		if carriedOut != 1 {
			t.Errorf("carried out %d times", carriedOut)
		}
	}
}

func TestProductRuleIsA429WithItsCode(t *testing.T) {
	server := faulty(clerktest.ProductRule("signup_rate_limit_exceeded"))
	r := in(server).do(t, "POST /v1/users", newUser)
	if r.status != 429 || r.code(t) != "signup_rate_limit_exceeded" || r.retryAfter() != "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if log := server.Requests(); !log[0].Accepted || log[0].Status != 429 {
		t.Errorf("log %+v: no limit rejected it", log)
	}
}

func TestFaulty429WithRetryAfterBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := faulty(clerktest.Fault{
			Status: 429,
			Body:   "<html>slow down</html>",
			Header: http.Header{"Content-Type": {"text/html"}, "Retry-After": {"3"}},
		})
		c := in(server)
		r := c.do(t, "GET /v1/users", "")
		if r.body != "<html>slow down</html>" || r.header.Get("Content-Type") != "text/html" {
			t.Errorf("%v %s", r.header, r.body)
		}
		time.Sleep(2 * s)
		if r := c.do(t, "GET /v1/users", ""); r.status != 429 || r.retryAfter() != "1" {
			t.Errorf("in the block: %d, Retry-After %q", r.status, r.retryAfter())
		}
		if v := server.Violations(); len(v) != 1 || v[0].Endpoint != "GET /v1/users" {
			t.Errorf("violations %+v", v)
		}
		time.Sleep(s)
		if r := c.do(t, "GET /v1/users", ""); r.status != 200 {
			t.Errorf("after the block: %d", r.status)
		}
	})
}

func TestStallStopsTheBodyHalfWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := in(faulty(clerktest.Fault{Stall: 5 * s})).do(t, "GET /v1/users/count", "")
		if r.body != `{"data":[],"total_count":0}` || time.Since(start) != 5*s {
			t.Errorf("after %v: %s", time.Since(start), r.body)
		}

		c := in(faulty(clerktest.Fault{Stall: -1}))
		ctx, cancel := context.WithTimeout(context.Background(), s)
		defer cancel()
		if _, err := c.send(c.request("GET /v1/users", "").WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("reading: %v", err)
		}

		c = in(faulty(clerktest.Fault{Stall: -1}))
		resp, err := c.rt.RoundTrip(c.request("GET /v1/users", ""))
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(s, func() { _ = resp.Body.Close() })
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("reading a closed body: %v", err)
		}
	})
}

func TestLatencyIsSplitAroundTheArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New(clerktest.WithLatency(clerktest.Constant(100*ms)), clerktest.WithServiceTime(clerktest.Constant(s)), instanceLimit(1, time.Minute))
		start := time.Now()
		in(server).do(t, "GET /v1/users", "")
		if arrived := server.Requests()[0].Time.Sub(start); arrived != 50*ms {
			t.Errorf("arrived after %v", arrived)
		}
		if took := time.Since(start); took != 1100*ms {
			t.Errorf("took %v", took)
		}
		start = time.Now()
		if r := in(server).do(t, "GET /v1/users", ""); r.status != 429 || time.Since(start) != 100*ms {
			t.Errorf("rejected with %d after %v: it is no work", r.status, time.Since(start))
		}
	})
}

func TestLatencyIsReproducible(t *testing.T) {
	draw := func(seed uint64) (times []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			c := in(clerktest.New(clerktest.WithSeed(seed), clerktest.WithLatency(clerktest.Lognormal(50*ms, 0.5))))
			for range 1001 {
				start := time.Now()
				c.do(t, "GET /v1/jwks", "")
				times = append(times, time.Since(start))
			}
		})
		return times
	}
	a, b, c := draw(1), draw(1), draw(2)
	below := 0
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("draw %d: %v and %v from one seed", i, a[i], b[i])
		}
		if a[i] < 50*ms {
			below++
		}
	}
	if a[0] == c[0] {
		t.Error("two seeds, one sequence")
	}
	if below < 450 || below > 550 {
		t.Errorf("%d of 1001 below the median", below)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		if d := clerktest.Uniform(s, 2*s)(r); d < s || d >= 2*s {
			t.Errorf("uniform: %v", d)
		}
	}
	if d := clerktest.Uniform(s, s)(r); d != s {
		t.Errorf("uniform without width: %v", d)
	}
}

func TestCancelOnEitherLegEndsTheRequest(t *testing.T) {
	for _, test := range []struct {
		after   time.Duration
		opts    []clerktest.Option
		arrived int
	}{
		{0, nil, 0},
		{400 * ms, nil, 0},
		{600 * ms, nil, 1},
		{400 * ms, []clerktest.Option{clerktest.WithLateArrivals()}, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := clerktest.New(append(test.opts, clerktest.WithLatency(clerktest.Constant(s)))...)
			c := in(server)
			ctx, cancel := context.WithTimeout(context.Background(), test.after)
			defer cancel()
			start := time.Now()
			body := &countedBody{Reader: strings.NewReader(newUser)}
			req := c.request("POST /v1/users", "x").WithContext(ctx)
			req.Body, req.ContentLength = body, -1
			_, err := c.send(req)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != test.after {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
			if body.closes != 1 {
				t.Errorf("body closed %d times", body.closes)
			}
			time.Sleep(s)
			if got := server.Stats().Accepted; got != test.arrived {
				t.Errorf("cancelled after %v: %d arrived, want %d", test.after, got, test.arrived)
			}
			for _, r := range server.Requests() {
				if r.Time.Sub(start) != 500*ms {
					t.Errorf("arrived after %v", r.Time.Sub(start))
				}
			}
		})
	}
}

type countedBody struct {
	io.Reader
	closes int
}

func (b *countedBody) Close() error { b.closes++; return nil }

// A request in flight when the 429 came back is blocked, but no violation.
func TestRequestSentDespiteARetryAfterIsAViolation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New(clerktest.WithLatency(clerktest.Constant(100*ms)), instanceLimit(1, 10*s))
		mine, theirs := in(server), in(server)
		var wg sync.WaitGroup
		at := func(when time.Duration, c caller) {
			wg.Go(func() {
				time.Sleep(when)
				c.do(t, "GET /v1/users", "")
			})
		}
		at(0, mine)
		at(10*ms, mine)    // rejected at 60 ms, told at 110 ms to wait 10 s
		at(100*ms, mine)   // blocked, but it could not know
		at(120*ms, theirs) // blocked, but they have not been told
		at(5*s, mine)      // should have known; is told to wait 6 s from 5.05 s on
		at(11*s-1, mine)   // a nanosecond early, although the block is over
		at(11*s, mine)     // allowed
		wg.Wait()
		if st := server.Stats(); st.Violations != 2 || len(server.Violations()) != 2 {
			t.Errorf("%+v\n%+v", st, server.Violations())
		}
	})
}

func TestResetForgetsEverything(t *testing.T) {
	server := clerktest.New(instanceLimit(2, time.Hour))
	c := in(server)
	for range 2 {
		if r := c.do(t, "POST /v1/users", newUser); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
		c.accepted(t, 3, "GET /v1/users")
		server.Reset()
	}
	if st := server.Stats(); st.Sent != 0 || st.Accepted != 0 || len(st.Endpoints) != 0 || len(server.Requests()) != 0 ||
		server.MaxInWindow(clerkthrottle.InstanceLimit) != 0 {
		t.Errorf("%+v", st)
	}
}
