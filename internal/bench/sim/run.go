package sim

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Run plays a scenario in virtual time.
func Run(t *testing.T, s Scenario) *Result {
	t.Helper()
	var result *Result
	synctest.Test(t, func(t *testing.T) { result = s.play(t.Context()) })
	return result
}

func (s Scenario) play(ctx context.Context) *Result {
	if s.Median == 0 {
		s.Median = 50 * time.Millisecond
	}
	r := newResult(s)
	server := s.server()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	time.AfterFunc(s.Duration, cancel)

	var wg, working sync.WaitGroup
	for i, p := range s.Programs {
		if p.Work != nil {
			working.Add(1)
		}
		n := &network{median: s.Median, to: server.RoundTripper(), result: r, program: i}
		wg.Go(func() {
			time.Sleep(p.From)
			ctx := ctx
			if p.Until > 0 {
				until, stop := context.WithCancel(ctx)
				defer stop()
				time.AfterFunc(p.Until-p.From, stop)
				ctx = until
			}
			client := p.Client(n)
			if p.Work != nil {
				defer working.Done()
				s.work(ctx, p, i, client, r)
				return
			}
			var callers sync.WaitGroup
			for c := range p.Callers {
				callers.Go(func() { s.call(ctx, p, i, c, client, r) })
			}
			callers.Wait()
		})
	}
	if r.work {
		working.Wait()
		cancel()
	}
	wg.Wait()
	return r
}

// call is one caller's life.
func (s Scenario) call(ctx context.Context, p Program, program, caller int, client http.RoundTripper, r *Result) {
	random := rand.New(rand.NewPCG(s.Seed, uint64(program)<<32|uint64(caller)))
	endpoints := s.endpoints()
	for ctx.Err() == nil {
		if at := time.Since(r.start); p.Gap != nil && at >= p.Gap.From && at < p.Gap.Until {
			Pause(ctx, p.Gap.Until-at)
		}
		if p.Every > 0 {
			Pause(ctx, time.Duration(random.ExpFloat64()*float64(p.Every)*float64(max(p.Burst, 1))))
		}
		var burst sync.WaitGroup
		for range max(p.Burst, 1) {
			path := endpoints[random.IntN(len(endpoints))]
			luck := rand.New(rand.NewPCG(random.Uint64(), random.Uint64()))
			if p.Burst > 1 {
				burst.Go(func() { one(ctx, client, path, luck, program, r) })
			} else {
				one(ctx, client, path, luck, program, r)
			}
		}
		burst.Wait()
	}
}

// luckKey is the context key of a call's random numbers: its latencies follow
// from what it is, not from the order in which goroutines happen to run.
type luckKey struct{}

// one is a single call: done when the client returns.
func one(ctx context.Context, client http.RoundTripper, path string, luck *rand.Rand, program int, r *Result) {
	asked := time.Now()
	worked := ask(ctx, client, path, luck)
	if ctx.Err() != nil {
		return // the program has ended
	}
	r.finish(program, asked, worked)
	if !worked {
		Pause(ctx, 100*time.Millisecond) // a program goes on a moment after an error
	}
}

// ask makes a request and reports whether it worked.
func ask(ctx context.Context, client http.RoundTripper, path string, luck *rand.Rand) bool {
	req, err := http.NewRequestWithContext(context.WithValue(ctx, luckKey{}, luck), http.MethodGet, "https://api.clerk.com"+path, nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer sk_live_bench")
	resp, err := client.RoundTrip(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Pause lets time pass, unless the context ends.
func Pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// network lies between one program and the server.
type network struct {
	median  time.Duration
	to      http.RoundTripper
	result  *Result
	program int
}

// Sigma is the spread of the lognormal round trip.
const Sigma = 0.4

// RoundTrip implements http.RoundTripper: half of a round trip there, half back.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	luck := req.Context().Value(luckKey{}).(*rand.Rand)
	half := time.Duration(float64(n.median)*math.Exp(Sigma*luck.NormFloat64())) / 2
	Pause(req.Context(), half)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	resp, err := n.to.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	n.result.arrive(n.program, resp.StatusCode)
	Pause(req.Context(), half)
	return resp, nil
}
