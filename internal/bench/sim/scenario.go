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
	// Endpoints are the paths that callers GET, each chosen at random. Default:
	// /v1/users only.
	Endpoints []string
	// PerEndpoint makes the server count each endpoint separately, instead of all
	// together.
	PerEndpoint bool
	RetryAfter  clerktest.RetryAfter
	Programs    []Program
	Duration    time.Duration
	Seed        uint64
}

// Program is a program that calls Clerk: a number of callers that share one client.
type Program struct {
	// Client wraps the network in the client that the program calls Clerk with.
	Client  func(network http.RoundTripper) http.RoundTripper
	Callers int
	// Every is the mean time between two calls of a caller, exponentially distributed
	// (a Poisson process). If 0, each call follows the last answer, so that all
	// callers together saturate the limit.
	Every       time.Duration
	From, Until time.Duration // when it runs; Until 0: until the end
	Work        *Work         // nil: it calls for as long as it runs
}

// Work is a number of calls that a program has to get done. It repeats each until it
// succeeds, and ends with the last one. The run ends with the last program that has
// work.
type Work struct {
	Calls int // of all its callers together
	// People is the number of further callers, which each make a call every second on
	// average until the work is done. A person waits for these calls, and nobody for
	// the work: their priorities say so.
	People int
}

// retryPause is how long a program waits before it repeats a failed call.
const retryPause = time.Second

// Window is the window of Clerk's instance limit.
const Window = 10 * time.Second

// Throttled returns the throttle under test, made as a user would.
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
			panic(err) // a mistake in the scenario
		}
		return rt
	}
}

// Bare is the client of a program that ignores limits.
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
	phase := time.Duration(rand.New(rand.NewPCG(s.Seed, 0)).Int64N(int64(Window))) // of a fixed window's edges
	return clerktest.New(clerktest.WithLimits(rows...), clerktest.WithAlgorithm(s.Algorithm), clerktest.WithPhase(phase),
		clerktest.WithRetryAfter(s.RetryAfter), clerktest.WithLogSize(0))
}
