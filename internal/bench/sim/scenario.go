package sim

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// Scenario is a simulation to run.
type Scenario struct {
	Limit     int                 // requests per 10 s that the server allows
	Algorithm clerktest.Algorithm // how it counts them
	// Endpoints are the paths that callers draw from, at random, as GETs.
	// Default: one, /v1/users.
	Endpoints []string
	// PerEndpoint has the server count each endpoint apart, instead of all
	// together.
	PerEndpoint bool
	RetryAfter  clerktest.RetryAfter
	Programs    []Program
	Duration    time.Duration
	Seed        uint64
}

// Program is one program that calls Clerk: a number of callers that share one
// client.
type Program struct {
	// Client puts whatever the program calls Clerk through over the network.
	Client  func(network http.RoundTripper) http.RoundTripper
	Callers int
	// Every is the mean time between two calls of a caller, exponentially
	// distributed (a Poisson process). Zero: the next call follows the last
	// answer, so that all callers together saturate the limit.
	Every       time.Duration
	From, Until time.Duration // when it runs; Until 0: to the end
	Work        *Work         // nil: it goes on until its time is over
}

// Work is a number of calls that a program has to get done. Each is asked again
// until it has worked, and the program ends with the last one; the run ends with
// the last program that has work.
type Work struct {
	Calls int // by all its callers together
	// People are further callers, each of whom makes a call every second on
	// average as long as the work goes on. A person waits for each of those: their
	// contexts say so, and those of the work that nobody does.
	People int
}

// again is when a program asks again for a call that came back failed.
const again = time.Second

// Window is that of Clerk's instance limit.
const Window = 10 * time.Second

// Throttled is the throttle under test, as a user would make it.
func Throttled(limit int, opts ...clerkthrottle.Option) func(http.RoundTripper) http.RoundTripper {
	return func(network http.RoundTripper) http.RoundTripper {
		opts := append([]clerkthrottle.Option{
			clerkthrottle.WithBase(network),
			clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, limit, Window),
			clerkthrottle.WithMaxWait(24 * time.Hour),
			clerkthrottle.WithLogger(slog.New(slog.DiscardHandler)),
		}, opts...)
		rt, err := clerkthrottle.NewTransport(opts...)
		if err != nil {
			panic(err) // a scenario is code
		}
		return rt
	}
}

// Bare is a program that ignores limits.
func Bare(network http.RoundTripper) http.RoundTripper { return network }

// Programs returns n equal programs.
func Programs(n int, p Program) []Program {
	return slices.Repeat([]Program{p}, n)
}

func (s Scenario) endpoints() []string {
	if len(s.Endpoints) == 0 {
		return []string{"/v1/users"}
	}
	return s.Endpoints
}

func (s Scenario) server() *clerktest.Server {
	rows := []clerkthrottle.Limit{{Name: clerkthrottle.InstanceLimit, N: s.Limit, Window: Window}}
	if s.PerEndpoint {
		rows = rows[:0]
		for _, path := range s.endpoints() {
			rows = append(rows, clerkthrottle.Limit{
				Name: path, Operations: []string{http.MethodGet + " " + path}, N: s.Limit, Window: Window,
			})
		}
	}
	phase := time.Duration(rand.New(rand.NewPCG(s.Seed, 0)).Int64N(int64(Window))) // of a fixed window
	return clerktest.New(clerktest.WithLimits(rows...), clerktest.WithAlgorithm(s.Algorithm), clerktest.WithPhase(phase),
		clerktest.WithRetryAfter(s.RetryAfter), clerktest.WithLogSize(0))
}
