package transport_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// FuzzClasses lets a byte string drive callers of all classes and flows at a
// budget with a reserve and a bounded queue, and checks after each step what must
// hold at every moment.
func FuzzClasses(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{3, 0, 0, 2, 0, 2, 0, 2, 0, 2, 0, 0, 1, 0, 1, 0, 6, 120})                                           // a line with classes
	f.Add([]byte{9, 3, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 6, 30, 0, 0, 0, 0, 6, 200, 6, 200})                   // a reserve
	f.Add([]byte{1, 1, 3, 2, 0, 2, 1, 1, 2, 1, 3, 0, 4, 0, 5, 2, 6, 6, 90, 6, 200})                                 // a full queue
	f.Add([]byte{2, 0, 64, 2, 8, 2, 9, 10, 40, 11, 41, 5, 2, 3, 13, 2, 30, 4, 200, 9, 6, 110, 3, 17, 6, 250, 7, 9}) // cancels, a private row
	var long []byte
	for i := range 90 { // batch behind interactive callers that never end
		long = append(long, 2, byte(i), 0, byte(i), 0, byte(i), 6, 20)
	}
	f.Add(append([]byte{0, 0, 0}, long...))
	f.Add(append([]byte{7, 2, 0}, long...))
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 800 {
			t.Skip("longer than anybody can read")
		}
		synctest.Test(t, func(t *testing.T) { fuzzClasses(t, script) })
	})
}

// classRun is one run of the fuzz test.
type classRun struct {
	*testing.T
	budget   *transport.Scheduler
	start    time.Time
	n        int
	held     [3]int // by class: what it must leave of free tokens, at most
	maxQueue int
	private  bool
	all      sync.WaitGroup

	mu       sync.Mutex
	arrivals []time.Duration
	granted  [3]int // since the last check, by class
	waited   [3]int // how many did at the last check
	passed   [3]int // how many of others went since one of the class could have
}

func fuzzClasses(t *testing.T, script []byte) {
	next := func() (b byte) {
		if len(script) > 0 {
			b, script = script[0], script[1:]
		}
		return b
	}
	r := &classRun{T: t, start: time.Now(), n: 1 + int(next()%12)}
	reserves := next()
	cfg := transport.Config{ReserveInteractive: float64(reserves%4) * 0.2, ReserveNormal: float64(reserves/4%2) * 0.3}
	flags := next()
	cfg.MaxQueue = int(flags % 16 * 2)
	r.private, r.maxQueue = flags&64 != 0, cfg.MaxQueue
	tokens := func(fraction float64) int { return min(r.n-1, int(fraction*float64(r.n)+0.999)) }
	r.held = [3]int{0, tokens(cfg.ReserveInteractive), tokens(cfg.ReserveInteractive + cfg.ReserveNormal)}
	r.budget = transport.NewScheduler(cfg)
	for len(script) > 0 {
		op, arg := next()%8, next()
		ctx := transport.WithFlow(inClass(transport.Interactive-transport.Priority(op%3)), fmt.Sprint(arg>>3&3))
		switch {
		case op < 3: // a caller that waits as long as it takes
			r.call(ctx, int(op%3), arg, time.Hour)
		case op < 5: // one that has a bound
			r.call(ctx, int(op%3), arg, time.Duration(next())*20*time.Millisecond)
		case op == 5: // one that gives up
			ctx, cancel := context.WithCancel(ctx)
			r.call(ctx, int(op%3), arg, time.Hour)
			time.AfterFunc(time.Duration(next())*10*time.Millisecond, cancel)
		default:
			time.Sleep(time.Duration(arg) * 10 * time.Millisecond)
		}
		synctest.Wait()
		r.check()
	}
	r.all.Wait() // everybody completes, or the bubble deadlocks
	time.Sleep(fuzzWindow)
	for _, l := range r.budget.Snapshot().Limits {
		if l.Free != l.N || l.Waiting != 0 {
			t.Errorf("a window after the last request: %+v", l)
		}
	}
	slices.Sort(r.arrivals)
	if most := mostInWindow(r.arrivals, fuzzWindow); most > r.n {
		t.Errorf("%d requests arrived in a window of %d: %v", most, r.n, r.arrivals)
	}
}

func (r *classRun) call(ctx context.Context, class int, arg byte, maxWait time.Duration) {
	c := &transport.Claim{Endpoint: "A", Key: "A", Limits: []transport.Limit{{Name: "shared", Key: "shared", N: r.n, Window: fuzzWindow}}}
	if r.private && arg&1 != 0 {
		c.Limits = slices.Insert(c.Limits, 0, transport.Limit{Name: "own", Key: fmt.Sprint("own", arg>>1&1), N: 2, Window: fuzzWindow, Private: true})
	}
	r.all.Go(func() {
		lease, err := r.budget.Acquire(ctx, c, maxWait)
		if err != nil {
			var e *transport.ThrottledError
			if !errors.As(err, &e) && ctx.Err() == nil || e != nil && e.Reason == transport.ReasonQueueFull && e.Queue != r.maxQueue {
				r.Errorf("refused: %v (%+v)", err, e)
			}
			return
		}
		r.mu.Lock()
		r.granted[class]++
		r.mu.Unlock()
		sent := time.Since(r.start)
		select {
		case <-time.After(time.Duration(arg>>5) * 70 * time.Millisecond):
		case <-ctx.Done():
		}
		outcome := []transport.Outcome{transport.Answered, transport.Answered, transport.Failed, transport.Unsent}[arg>>1&3]
		if outcome != transport.Unsent {
			if arg&1 != 0 {
				sent = time.Since(r.start)
			}
			r.mu.Lock()
			r.arrivals = append(r.arrivals, sent)
			r.mu.Unlock()
		}
		lease.Settle(outcome)
	})
}

// check looks at what must hold whenever everybody has come to rest.
func (r *classRun) check() {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.budget.Snapshot()
	total := 0
	for _, l := range s.Limits {
		total += l.Waiting
		by := [3]int{l.ByClass.Interactive, l.ByClass.Normal, l.ByClass.Batch}
		if l.Free < 0 || l.InFlight < 0 || l.Returning < 0 || l.Free+l.InFlight+l.Returning != l.N || by[0]+by[1]+by[2] != l.Waiting {
			r.Fatalf("at %s a token was lost or made: %+v", time.Since(r.start), l)
		}
		if l.Key != "shared" {
			if l.Waiting > 0 && l.Free > 0 {
				r.Fatalf("at %s somebody waits while a token is free: %+v", time.Since(r.start), l)
			}
			continue
		}
		others := r.granted[0] + r.granted[1] + r.granted[2]
		for class, n := range by {
			if n > 0 && l.Free > r.held[class] {
				r.Fatalf("at %s class %d waits while a token is free that nobody may hold back from it: %+v", time.Since(r.start), class, l)
			}
			// Whoever waited at the last check, and waits now, with no newcomer
			// before the steps between, was passed over by all who went.
			switch {
			case r.private, n == 0, r.waited[class] == 0, r.granted[class] > 0:
				r.passed[class] = 0
			default:
				r.passed[class] += others
			}
			if r.passed[class] > 10 {
				r.Fatalf("at %s class %d was passed over %d times in a row", time.Since(r.start), class, r.passed[class])
			}
		}
		r.waited = by
	}
	r.granted = [3]int{}
	if r.maxQueue > 0 && total > r.maxQueue {
		r.Fatalf("at %s %d wait, more than %d", time.Since(r.start), total, r.maxQueue)
	}
}
