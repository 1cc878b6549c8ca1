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
	hasWork := false
	for i, p := range s.Programs {
		if p.Work != nil {
			hasWork = true
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
	if hasWork {
		working.Wait()
		cancel()
	}
	wg.Wait()
	return r
}

// call sends the calls of one caller without Work.
func (s Scenario) call(ctx context.Context, p Program, caller uint64, client http.RoundTripper) {
	random := rand.New(rand.NewPCG(s.Seed, caller))
	endpoints := s.endpoints()
	for ctx.Err() == nil {
		if p.Every > 0 {
			Pause(ctx, time.Duration(random.ExpFloat64()*float64(p.Every)))
		}
		path := endpoints[random.IntN(len(endpoints))]
		draws := rand.New(rand.NewPCG(random.Uint64(), random.Uint64()))
		if !send(ctx, client, path, draws) {
			Pause(ctx, 100*time.Millisecond) // a program does not repeat a failed call at once
		}
	}
}

// randomKey is the context key of a call's random numbers: its latencies follow from
// what it is, not from the order in which goroutines happen to run.
type randomKey struct{}

// send sends a request and reports whether it succeeded.
func send(ctx context.Context, client http.RoundTripper, path string, draws *rand.Rand) bool {
	req, err := http.NewRequestWithContext(context.WithValue(ctx, randomKey{}, draws), http.MethodGet, "https://api.clerk.com"+path, nil)
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

// Pause sleeps for d, or until the context ends.
func Pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// network is the network between one program and the server.
type network struct {
	to      http.RoundTripper
	result  *Result
	program int
}

// The median and sigma of the lognormal round trip.
const (
	Median = 50 * time.Millisecond
	Sigma  = 0.4
)

// RoundTrip implements http.RoundTripper. Half of the round-trip time passes each
// way.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	draws := req.Context().Value(randomKey{}).(*rand.Rand)
	half := time.Duration(float64(Median)*math.Exp(Sigma*draws.NormFloat64())) / 2
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
