package clerktest_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// A step sends n requests at once and says how many must be accepted.
type step struct {
	at       time.Duration
	n        int
	accepted int
}

const (
	ms = time.Millisecond
	s  = time.Second
)

// Limit 3 per 10 s, a server that only counts.
func TestAlgorithmsAcceptNInAWindowAndNoMore(t *testing.T) {
	for name, test := range map[string]struct {
		algorithm clerktest.Algorithm
		more      []clerktest.Option
		steps     []step
	}{
		"fixed window accepts 2N around an edge": {clerktest.FixedWindow, nil, []step{
			{0, 1, 1}, {9999 * ms, 3, 2}, {10 * s, 4, 3}, {19999 * ms, 1, 0}, {20 * s, 1, 1},
		}},
		"fixed window keeps its grid after a pause": {clerktest.FixedWindow, nil, []step{
			{0, 1, 1}, {25 * s, 4, 3}, {29999 * ms, 1, 0}, {30 * s, 1, 1},
		}},
		// A bubble begins at a whole multiple of ten seconds of Unix time.
		"fixed window with a phase": {clerktest.FixedWindow, []clerktest.Option{clerktest.WithPhase(4 * s)}, []step{
			{0, 4, 3}, {3999 * ms, 1, 0}, {4 * s, 4, 3}, {13999 * ms, 1, 0}, {14 * s, 1, 1},
		}},
		"sliding log rejects what a fixed window accepts around an edge": {clerktest.SlidingLog, nil, []step{
			{0, 1, 1}, {9999 * ms, 3, 2}, {10 * s, 4, 1}, {19998 * ms, 1, 0}, {19999 * ms, 3, 2}, {20 * s, 1, 1},
		}},
		"sliding log counts t and t+W apart": {clerktest.SlidingLog, nil, []step{
			{0, 3, 3}, {10*s - 1, 1, 0}, {10 * s, 4, 3},
		}},
		"token bucket starts full and refills evenly": {clerktest.TokenBucket, nil, []step{
			{0, 4, 3}, {3333 * ms, 1, 0}, {3334 * ms, 2, 1}, {6667 * ms, 2, 1}, {10 * s, 2, 1}, {30 * s, 4, 3},
		}},
		"token bucket refills a third of a window exactly": {clerktest.TokenBucket, nil, []step{
			{0, 3, 3}, {3333333333, 1, 0}, {3333333334, 1, 1}, {6666666666, 1, 0}, {6666666667, 1, 1}, {10*s - 1, 1, 0}, {10 * s, 1, 1},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := clerktest.New(append(test.more, clerktest.WithAlgorithm(test.algorithm),
					instanceLimit(3, 10*s), clerktest.WithBlocking(false))...)
				c, start := in(server), time.Now()
				for _, step := range test.steps {
					time.Sleep(step.at - time.Since(start))
					if got := c.accepted(t, step.n, "GET /v1/users"); got != step.accepted {
						t.Errorf("at %v: %d of %d accepted, want %d", step.at, got, step.n, step.accepted)
					}
				}
			})
		})
	}
}

// TestSlidingLogIsTheStrictest: the others accept whatever it accepts, and none
// exceeds its own bound.
func TestSlidingLogIsTheStrictest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, w = 7, 10 * s
		servers := map[clerktest.Algorithm]*clerktest.Server{}
		for _, a := range []clerktest.Algorithm{clerktest.SlidingLog, clerktest.FixedWindow, clerktest.TokenBucket} {
			servers[a] = clerktest.New(clerktest.WithAlgorithm(a), instanceLimit(n, w), clerktest.WithBlocking(false))
		}
		r := rand.New(rand.NewPCG(1, 2))
		for range 2000 {
			time.Sleep(time.Duration(r.ExpFloat64() * float64(s)))
			if in(servers[clerktest.SlidingLog]).accepted(t, 1, "GET /v1/users") == 1 {
				for a, server := range servers {
					if a != clerktest.SlidingLog && in(server).accepted(t, 1, "GET /v1/users") == 0 {
						t.Fatalf("%v rejected what the sliding log accepted", a)
					}
				}
			}
		}
		for a, server := range servers {
			if most := server.MaxInWindow(clerkthrottle.InstanceLimit); most != n {
				t.Errorf("%v: %d in a window, want %d", a, most, n)
			}
		}
	})
}

// MaxInWindow sees what a lenient algorithm lets through.
func TestMaxInWindowIsIndependentOfTheAlgorithm(t *testing.T) {
	for a, want := range map[clerktest.Algorithm]int{
		clerktest.SlidingLog:  3,
		clerktest.FixedWindow: 5, // 2 just before 10 s, 3 just after
		clerktest.TokenBucket: 5, // 3 at once, 2 that were refilled
	} {
		synctest.Test(t, func(t *testing.T) {
			server := clerktest.New(clerktest.WithAlgorithm(a), instanceLimit(3, 10*s), clerktest.WithBlocking(false))
			c := in(server)
			if a == clerktest.FixedWindow {
				c.accepted(t, 1, "GET /v1/users")
				time.Sleep(9800 * ms)
			}
			for range 101 {
				c.accepted(t, 1, "GET /v1/users")
				time.Sleep(100 * ms)
			}
			if got := server.MaxInWindow(clerkthrottle.InstanceLimit); got != want {
				t.Errorf("%v: %d in a window, want %d", a, got, want)
			}
		})
	}
}
