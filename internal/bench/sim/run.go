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

	"github.com/clerkthrottle/clerkthrottle-go/internal/served"
)

// Run plays a scenario in virtual time.
func Run(t *testing.T, s Scenario) *Result {
	t.Helper()
	var result *Result
	synctest.Test(t, func(t *testing.T) { result = s.play(t.Context()) })
	return result
}

func (s Scenario) play(ctx context.Context) *Result {
	r := &Result{Counts: served.New(len(s.Programs), s.Limit, Window, s.Duration), start: time.Now()}
	server := s.server()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	time.AfterFunc(s.Duration, cancel)

	var wg, working sync.WaitGroup
	worked := false // any has work
	for i, p := range s.Programs {
		if p.Work != nil {
			worked = true
			working.Add(1)
		}
		n := &network{to: server.RoundTripper(), result: r, program: i}
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
				callers.Go(func() { s.call(ctx, p, uint64(i)<<32|uint64(c), client) })
			}
			callers.Wait()
		})
	}
	if worked {
		working.Wait()
		cancel()
	}
	wg.Wait()
	return r
}

// call is one caller's life.
func (s Scenario) call(ctx context.Context, p Program, caller uint64, client http.RoundTripper) {
	random := rand.New(rand.NewPCG(s.Seed, caller))
	endpoints := s.endpoints()
	for ctx.Err() == nil {
		if p.Every > 0 {
			Pause(ctx, time.Duration(random.ExpFloat64()*float64(p.Every)))
		}
		path := endpoints[random.IntN(len(endpoints))]
		luck := rand.New(rand.NewPCG(random.Uint64(), random.Uint64()))
		if !ask(ctx, client, path, luck) {
			Pause(ctx, 100*time.Millisecond) // a program goes on a moment after an error
		}
	}
}

// luckKey is the context key of a call's random numbers: its latencies follow
// from what it is, not from the order in which goroutines happen to run.
type luckKey struct{}

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
	to      http.RoundTripper
	result  *Result
	program int
}

// The lognormal round trip: its median, and its spread.
const (
	Median = 50 * time.Millisecond
	Sigma  = 0.4
)

// RoundTrip implements http.RoundTripper: half of a round trip there, half back.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	luck := req.Context().Value(luckKey{}).(*rand.Rand)
	half := time.Duration(float64(Median)*math.Exp(Sigma*luck.NormFloat64())) / 2
	Pause(req.Context(), half)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	resp, err := n.to.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	n.result.answered(n.program, resp.StatusCode != http.StatusTooManyRequests)
	Pause(req.Context(), half)
	return resp, nil
}
