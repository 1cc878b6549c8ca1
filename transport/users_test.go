package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// generous is a Budget that grants every program all there is.
type generous struct{}

func (generous) Join() Member { return generous{} }

func (generous) Exchange(_ context.Context, r *Report) (*Answer, error) {
	a := &Answer{Lease: time.Hour, Next: time.Second}
	for _, u := range r.Limits {
		a.Shares = append(a.Shares, Share{Owned: u.N, Part: u.N, Keep: u.N, Window: u.Window})
	}
	return a, nil
}

// dice are random numbers for many goroutines.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func (d *dice) roll(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.IntN(n)
}

// RoundTrip is what a base may do: resend, stall, panic, break its contract, answer.
func (d *dice) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if d.roll(2) == 0 {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		r.Body.Close()
	}
	var done <-chan struct{}
	if d.roll(2) == 0 {
		done = r.Context().Done()
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && d.roll(3) == 0 {
		for range d.roll(4) {
			trace.GotConn(httptrace.GotConnInfo{})
			if r.Context().Err() != nil {
				return nil, r.Context().Err()
			}
			trace.WroteHeaders()
		}
	}
	select {
	case <-time.After(time.Duration(1+d.roll(800)) * time.Millisecond):
	case <-done:
		return nil, context.Cause(r.Context())
	}
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("x"))}
	switch d.roll(12) {
	case 0:
		panic(http.ErrAbortHandler)
	case 1:
		return nil, errors.New("broken")
	case 2:
		return nil, nil
	case 3:
		resp.StatusCode = http.StatusTooManyRequests
		resp.Header.Set("Retry-After", "1")
	case 4:
		resp.StatusCode, resp.Body = http.StatusTooManyRequests, http.NoBody
	case 5:
		resp.StatusCode, resp.Body = http.StatusServiceUnavailable, http.NoBody
	}
	return resp, nil
}

// call makes one request, with whatever bounds.
func (d *dice) call(rt *Transport) {
	defer func() { _ = recover() }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+d.roll(3000))*time.Millisecond)
	defer cancel()
	if d.roll(3) == 0 {
		time.AfterFunc(time.Duration(1+d.roll(1000))*time.Millisecond, cancel)
	}
	ctx = WithPriority(ctx, Priority(d.roll(3)-1))
	var body io.Reader
	if d.roll(3) == 0 {
		body = io.NopCloser(strings.NewReader("body"))
	}
	req, _ := http.NewRequestWithContext(ctx, []string{"GET", "POST"}[d.roll(2)], fmt.Sprint("http://x.test/", d.roll(12)), body)
	if d.roll(5) == 0 {
		rt.Estimate(req)
		rt.Snapshot()
	}
	if resp, err := rt.RoundTrip(req); err == nil {
		_, _ = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
}

// Whatever becomes of requests (panics, 429s, resends, cancellation, a full queue, a dry
// run, Close, claims that transports share, more keys than are kept): in the end nobody
// uses a station, nothing is in flight, and nobody waits.
func TestNothingIsInUseInTheEnd(t *testing.T) {
	for seed := range uint64(15) {
		synctest.Test(t, func(t *testing.T) {
			d := &dice{rng: rand.New(rand.NewPCG(seed, 7))}
			claims := make([]*Claim, 12)
			for i := range claims {
				last := Limit{Name: "last", Key: fmt.Sprint("last", i/6), N: 5, Window: time.Second}
				own := Limit{Name: "own", Key: fmt.Sprint("own", i/2), N: 2, Window: time.Second, Private: true}
				claims[i] = &Claim{Endpoint: "e", Key: fmt.Sprint("e", i), Limits: []Limit{own, last}}
				if i%3 == 0 {
					claims[i].Rate = last
				}
			}
			var all []*Transport
			for i := range 4 {
				cfg := Config{Base: d, MaxWait: 3 * time.Second, AnswerTimeout: 700 * time.Millisecond, Classify: func(r *http.Request) *Claim {
					i, _ := strconv.Atoi(r.URL.Path[1:])
					return claims[i]
				}}
				if i == 3 {
					cfg.SameAs, cfg.MaxWait = all[0], -1
				} else {
					cfg.MaxKeys, cfg.MaxQueue, cfg.DryRun = 4, 6, i == 2
				}
				if seed%3 == 1 && i < 3 {
					cfg.Budget = generous{}
				}
				if seed%4 == 2 && i < 3 {
					cfg.ReserveInteractive = 0.3
				}
				rt, err := New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, rt)
			}
			var callers sync.WaitGroup
			for range 40 {
				callers.Go(func() {
					for range 15 {
						d.call(all[d.roll(len(all))])
						time.Sleep(time.Duration(d.roll(200)) * time.Millisecond)
					}
				})
			}
			if seed%5 == 0 {
				time.Sleep(2 * time.Second)
				_ = all[0].Close()
			}
			callers.Wait()
			time.Sleep(5 * time.Second)
			for i, rt := range all {
				rt.scheduler.wantUnused(t, fmt.Sprintf("seed %d, transport %d", seed, i))
				_ = rt.Close()
			}
			time.Sleep(3 * time.Minute)
		})
	}
}

func (s *scheduler) wantUnused(t *testing.T, of string) {
	s.lock()
	defer s.unlock()
	for key, ep := range s.endpoints.All() {
		if ep.gate.users != 0 || ep.rate != nil && ep.rate.users != 0 {
			t.Errorf("%s: endpoint %s has %d users", of, key, ep.gate.users)
		}
	}
	for key, st := range s.windows.All() {
		if st.users != 0 || st.window.InFlight() != 0 || st.waiting() != 0 {
			t.Errorf("%s: %s has %d users, %d in flight, %d waiting", of, key, st.users, st.window.InFlight(), st.waiting())
		}
	}
	for class := range s.waiters {
		if n := s.waiters[class].Len(); n != 0 {
			t.Errorf("%s: %d of class %d wait", of, n, class)
		}
	}
}
