package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/sim"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// soaked is a program that calls Clerk for a long time, by seed: callers that come
// and go, bodies, deadlines and cancellations, a server and a network where
// everything goes wrong now and then, and a restart of the program every few minutes.
type soaked struct {
	t *testing.T

	Duration time.Duration
	Limit    int
	Window   time.Duration
	Callers  int
	Every    time.Duration // mean pause of a caller
	Seed     uint64
	// Late makes a request arrive that was cancelled on its way: the server counts it
	// then, later than the program assumes.
	Late bool
}

// soakReport is the result of a soak.
type soakReport struct {
	Calls, Worked, Refused, Cancelled, Failed atomic.Int64
	Restarts                                  int
	Rejected, MaxInWindow                     int
	Faults                                    int
	Heap                                      []uint64 // bytes in use after each program's life
}

func (r *soakReport) String() string {
	return fmt.Sprintf("%d calls: %d worked, %d refused, %d cancelled, %d failed; %d faults, %d of 429s by limit, at most %d in any window; %d restarts; heap %d to %d KiB",
		r.Calls.Load(), r.Worked.Load(), r.Refused.Load(), r.Cancelled.Load(), r.Failed.Load(), r.Faults, r.Rejected, r.MaxInWindow,
		r.Restarts, slices.Min(r.Heap)>>10, slices.Max(r.Heap)>>10)
}

// run runs the soak. It returns when every caller has returned.
func (s soaked) run() *soakReport {
	r := new(soakReport)
	opts := []clerktest.Option{
		clerktest.WithLimits(clerkthrottle.Limit{Name: clerkthrottle.InstanceLimit, N: s.Limit, Window: s.Window}),
		clerktest.WithLogSize(0), clerktest.WithSeed(s.Seed), clerktest.WithFault(s.fault),
		clerktest.WithLatency(clerktest.Lognormal(sim.Median, sim.Sigma)),
	}
	if s.Late {
		opts = append(opts, clerktest.WithLateArrivals())
	}
	server := clerktest.New(opts...)
	random := rand.New(rand.NewPCG(s.Seed, 1))
	for start := time.Now(); time.Since(start) < s.Duration; r.Restarts++ {
		life := min(time.Duration((0.5+random.Float64())*float64(30*s.Window)), s.Duration-time.Since(start))
		s.live(server, life, random.Uint64(), r)
		if n := server.MaxInWindow(clerkthrottle.InstanceLimit); n > s.Limit {
			s.t.Errorf("program %d: %d requests in a window", r.Restarts, n)
		}
		r.Heap = append(r.Heap, heap())
	}
	stats := server.Stats()
	r.MaxInWindow, r.Rejected, r.Faults = server.MaxInWindow(clerkthrottle.InstanceLimit), stats.Rejected-stats.Blocked, stats.Faults
	return r
}

// live runs the program once: from its start to its last caller's end, and on until
// its tokens are back. As with a restart that takes a moment, the requests of one run
// leave the window before the next.
func (s soaked) live(server *clerktest.Server, life time.Duration, seed uint64, r *soakReport) {
	rt, err := clerkthrottle.NewTransport(
		clerkthrottle.WithBase(server.RoundTripper()), clerkthrottle.WithLogger(quiet),
		clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, s.Limit, s.Window), clerkthrottle.WithMaxWait(3*s.Window),
	)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), life)
	defer stop()
	var callers, watch sync.WaitGroup
	for i := range s.Callers {
		callers.Go(func() { s.caller(ctx, rt, rand.New(rand.NewPCG(seed, uint64(i))), r) })
	}
	watch.Go(func() {
		for ctx.Err() == nil {
			sim.Pause(ctx, s.Window/3)
			s.conserved(rt.Snapshot(), false)
		}
	})
	callers.Wait()
	watch.Wait()
	time.Sleep(s.Window + time.Second) // for abandoned answers too
	s.conserved(rt.Snapshot(), true)
	if err := rt.Close(); err != nil {
		s.t.Errorf("close: %v", err)
	}
}

// conserved checks that a snapshot conserves tokens; at rest all are free.
func (s soaked) conserved(snapshot transport.Snapshot, rest bool) {
	for _, l := range snapshot.Limits {
		if l.Free < 0 || l.InFlight < 0 || l.Returning < 0 || l.Free+l.InFlight+l.Returning != l.N {
			s.t.Errorf("tokens are not conserved: %+v", l)
		}
		if rest && l.Window <= s.Window && (l.Free != l.N || l.Waiting != 0) {
			s.t.Errorf("not whole at rest: %+v", l)
		}
	}
	for _, e := range snapshot.Endpoints {
		if rest && e.Waiting != 0 {
			s.t.Errorf("requests wait at rest: %+v", e)
		}
	}
}

// patience is the longest that a caller may take: its bound, a request in flight,
// failures with their pauses and another request.
func (s soaked) patience() time.Duration { return 3*s.Window + 2*time.Minute }

func (s soaked) caller(ctx context.Context, rt http.RoundTripper, random *rand.Rand, r *soakReport) {
	for {
		sim.Pause(ctx, time.Duration(random.ExpFloat64()*float64(s.Every)))
		if ctx.Err() != nil {
			return
		}
		begin := time.Now()
		s.once(ctx, rt, random, r)
		if took := time.Since(begin); took > s.patience() {
			s.t.Errorf("a caller was gone for %s", took)
		}
	}
}

// once makes one call, with a random bound on its time.
func (s soaked) once(ctx context.Context, rt http.RoundTripper, random *rand.Rand, r *soakReport) {
	r.Calls.Add(1)
	switch dice := random.Float64(); {
	case dice < 0.1:
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, time.Duration(random.Float64()*float64(s.Window)))
		defer end()
	case dice < 0.2:
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		defer end()
		defer time.AfterFunc(time.Duration(random.Float64()*float64(time.Second)), end).Stop()
	}
	priority := clerkthrottle.Priority(random.IntN(3) - 1)
	resp, err := rt.RoundTrip(soakRequest(clerkthrottle.WithPriority(ctx, priority), random))
	if resp != nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	var refused *transport.ThrottledError
	switch {
	case errors.As(err, &refused):
		r.Refused.Add(1)
	case err != nil && ctx.Err() != nil:
		r.Cancelled.Add(1)
	case err != nil || resp.StatusCode >= 400 && resp.StatusCode != http.StatusNotFound:
		r.Failed.Add(1)
	default:
		r.Worked.Add(1)
	}
}

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// heap returns the bytes in use after garbage collection.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
