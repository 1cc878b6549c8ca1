package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// chaos is a base transport that does anything a base can do, by seed.
type chaos struct {
	mu     sync.Mutex
	random *rand.Rand
	tally  map[string]int
}

func (c *chaos) pick() (what float64, latency time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.random.Float64(), time.Duration(c.random.ExpFloat64() * float64(50*time.Millisecond))
}

func (c *chaos) count(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tally[what]++
}

func (c *chaos) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		req.Body.Close()
	}
	what, latency := c.pick()
	select {
	case <-time.After(latency):
	case <-req.Context().Done():
		c.count("cancelled in flight")
		return nil, context.Cause(req.Context())
	}
	switch {
	case what < 0.002:
		c.count("panic")
		panic("chaos")
	case what < 0.004:
		c.count("429")
		return tooMany(fmt.Sprintf("%.2f", latency.Seconds()))()
	case what < 0.006:
		c.count("429 blind")
		return tooMany()()
	case what < 0.01:
		c.count("429 ruled")
		return status(429, "rule"), nil
	case what < 0.05:
		c.count("error")
		return nil, errReset
	case what < 0.09:
		c.count("unsent")
		return nil, errDial
	case what < 0.12:
		c.count("503")
		return status(503, "down"), nil
	case what < 0.13:
		c.count("neither")
		return nil, nil
	case what < 0.14:
		c.count("both")
		return status(200, "both"), errReset
	}
	c.count("200")
	return status(200, "ok"), nil
}

// client makes one request, as impatient as the dice say, and notes what came.
func (c *chaos) client(rt http.RoundTripper, path string, patience time.Duration) {
	defer func() {
		if v := recover(); v != nil && v != "chaos" {
			panic(v)
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	switch {
	case patience < time.Second/10: // cancels, in line or in flight
		defer time.AfterFunc(patience, cancel).Stop()
	case patience < 2*time.Second:
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	resp, err := rt.RoundTrip(request(ctx, http.MethodPut, path, strings.NewReader("body")))
	var e *transport.ThrottledError
	switch {
	case errors.As(err, &e):
		c.count("refused: " + string(e.Reason))
	case errors.Is(err, context.Canceled):
		c.count("cancelled")
	case err == nil:
		resp.Body.Close()
	}
}

// A token is never lost, whatever becomes of a request: one window after the
// last of 100,000 the bucket is whole, nobody is in line, and no goroutine is
// left (or the bubble would not end).
func TestNoTokenIsLostIn100000MixedOutcomes(t *testing.T) {
	const (
		requests = 100_000
		callers  = 400
		window   = time.Second
	)
	for _, learn := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := &chaos{random: rand.New(rand.NewPCG(42, 1)), tally: make(map[string]int)}
			table := limit(2000, window)
			table.learn = learn
			table.private.N, table.private.Window, table.private.Key = 40, window, "user "
			rt := newTransport(t, c, table, func(cfg *transport.Config) {
				cfg.Ruled = func(body []byte) bool { return string(body) == "rule" }
				cfg.MaxWait = 20 * time.Second
			})
			var all sync.WaitGroup
			for i := range callers {
				all.Go(func() {
					random := rand.New(rand.NewPCG(42, uint64(i)))
					for range requests / callers {
						path := "/a"
						if random.IntN(2) == 0 {
							path = fmt.Sprintf("/users/%d", random.IntN(20))
						}
						c.client(rt, path, time.Duration(random.Float64()*float64(5*time.Second)))
						time.Sleep(time.Millisecond) // or refusals would spin without time passing
					}
				})
			}
			all.Wait()
			time.Sleep(window)
			s := rt.Snapshot()
			for _, l := range s.Limits {
				if l.Free != l.N || l.InFlight != 0 || l.Returning != 0 || l.Waiting != 0 {
					t.Errorf("learn %t: a bucket is not whole: %+v", learn, l)
				}
			}
			for _, e := range s.Endpoints {
				if e.Waiting != 0 {
					t.Errorf("learn %t: a line is not empty: %+v", learn, e)
				}
			}
			if len(s.Limits) != 21 {
				t.Errorf("learn %t: %d buckets, want the shared one and twenty", learn, len(s.Limits))
			}
			for _, what := range []string{"200", "429", "429 blind", "429 ruled", "error", "unsent", "503", "panic", "neither",
				"both", "cancelled in flight", "cancelled", "refused: deadline"} {
				if c.tally[what] < 10 {
					t.Errorf("learn %t: %q happened only %d times: %v", learn, what, c.tally[what], c.tally)
				}
			}
			t.Log(c.tally)
		})
	}
}

func TestPanicInTheBaseLosesNoToken(t *testing.T) {
	for name, before := range map[string][]func() (*http.Response, error){"at once": nil, "in a retry": {tooMany("1")}} {
		synctest.Test(t, func(t *testing.T) {
			panics := func() (*http.Response, error) { panic("base") }
			rt := newTransport(t, newServer(script(append(before, panics)...)), limit(1, sec))
			func() {
				defer func() {
					if v := recover(); v != "base" {
						t.Errorf("%s: recovered %v, want the base's own panic", name, v)
					}
				}()
				_, _ = get(rt, "/a")
			}()
			if b := bucketOf(t, rt.Snapshot(), "shared"); b.InFlight != 0 || b.Returning != 1 {
				t.Errorf("%s: %+v, want the token on its way back", name, b)
			}
			mustGet(t, rt, "/a") // nor is a lock held
		})
	}
}
