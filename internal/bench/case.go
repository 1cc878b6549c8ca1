package bench

import (
	"net/http"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/peers"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/sim"
)

// limitN is the limit of all comparisons: Clerk's for a production instance.
const limitN = 1000

// Case is a scenario in which peers are compared: programs that use the same library
// and have work to do.
type Case struct {
	Name     string // of its chart too
	What     string // description for RESULTS.md
	Programs int
	Callers  int // of each program
	Calls    int // of all programs together
	People   int // see [sim.Work]
	// Outsider is the calls per second of one more program, which ignores limits; 0:
	// there is none.
	Outsider   int
	RetryAfter clerktest.RetryAfter
	Algorithm  clerktest.Algorithm
}

// Lone reports whether one program has the limit to itself, so that it can avoid
// every 429.
func (c Case) Lone() bool { return c.Programs == 1 && c.Outsider == 0 }

// Cases returns the scenarios of the comparison. Servers count by a sliding log, the
// strictest way, unless a case says otherwise.
func Cases() []Case {
	return []Case{
		{
			Name: "burst", Programs: 1, Callers: 2000, Calls: 2000,
			What: "2,000 calls at once",
		},
		{
			Name: "saturation", Programs: 1, Callers: 256, Calls: 60_000,
			What: "256 callers who keep the limit saturated: 60,000 calls, ten minutes' worth",
		},
		{
			Name: "people", Programs: 1, Callers: 256, Calls: 30_000, People: 5,
			What: "people beside a batch: five callers, each of whom makes a call every second on average, while 256 others get 30,000 calls done; the waits are the people's",
		},
		{
			Name: "programs-4", Programs: 4, Callers: 64, Calls: 60_000,
			What: "4 programs that do not know of each other, 64 callers each, 60,000 calls in all",
		},
		{
			Name: "programs-16", Programs: 16, Callers: 64, Calls: 60_000,
			What: "16 such programs",
		},
		{
			Name: "outsider", Programs: 1, Callers: 256, Calls: 36_000, Outsider: 40,
			What: "one program of 256 callers, 36,000 calls, beside another that ignores limits and makes 40 calls a second",
		},
		{
			Name: "headerless", Programs: 1, Callers: 256, Calls: 18_000,
			RetryAfter: clerktest.RetryAfterOmitted,
			What:       "a Clerk whose 429s have no Retry-After, 256 callers, 18,000 calls",
		},
		{
			Name: "headerless-4", Programs: 4, Callers: 64, Calls: 18_000,
			RetryAfter: clerktest.RetryAfterOmitted,
			What:       "the same Clerk and 4 programs",
		},
		{
			Name: "burst-fixed", Programs: 1, Callers: 2000, Calls: 2000, Algorithm: clerktest.FixedWindow,
			What: "2,000 calls at once, to a server that counts in fixed windows and lets 2,000 through around an edge",
		},
		{
			Name: "saturation-fixed", Programs: 1, Callers: 256, Calls: 60_000, Algorithm: clerktest.FixedWindow,
			What: "the limit saturated, same server",
		},
		{
			Name: "burst-tokens", Programs: 1, Callers: 2000, Calls: 2000, Algorithm: clerktest.TokenBucket,
			What: "2,000 calls at once, to a server that counts with a token bucket",
		},
		{
			Name: "saturation-tokens", Programs: 1, Callers: 256, Calls: 60_000, Algorithm: clerktest.TokenBucket,
			What: "the limit saturated, same server",
		},
	}
}

// peers returns the throttle, configured as a user would for the case, and its peers.
func (c Case) peers() []peers.Peer {
	ours := peers.Throttle()
	if c.People > 0 {
		ours = peers.Throttle(clerkthrottle.WithReserve(clerkthrottle.Interactive, 0.05))
	}
	return append([]peers.Peer{ours}, peers.All()...)
}

// longest is when a comparison is cut off, in multiples of the shortest possible
// time.
const longest = 8

// Play runs the case with a peer, in virtual time.
func (c Case) Play(t *testing.T, p peers.Peer, seed uint64) Outcome {
	t.Helper()
	s := sim.Scenario{
		Limit: limitN, Algorithm: c.Algorithm, RetryAfter: c.RetryAfter, Seed: seed,
		Duration: longest*c.shortest(0) + time.Minute,
	}
	var own []int
	for i := range c.Programs {
		own = append(own, i)
		s.Programs = append(s.Programs, sim.Program{
			Client: func(network http.RoundTripper) http.RoundTripper {
				return p.Client(network, limitN, seed+uint64(i)<<32)
			},
			Callers: c.Callers,
			Work:    &sim.Work{Calls: c.Calls / c.Programs, People: c.People},
		})
	}
	if c.Outsider > 0 {
		s.Programs = append(s.Programs, sim.Program{Client: sim.Bare, Callers: c.Outsider, Every: time.Second})
	}
	return c.outcome(sim.Run(t, s), own)
}

// Outcome is the result of one peer in one case.
type Outcome struct {
	Finished int           // calls that succeeded in the end
	Failed   int           // failures returned to the program, which called again
	Rejected int           // 429s
	Took     time.Duration // until the last call succeeded
	Slowdown float64       // Took relative to the shortest possible time
	Share    float64       // accepted requests, of those the limit allows in that time
	P50, P99 time.Duration // of the time from the first attempt to success
	// Timeline is how many calls had succeeded by each half second, in the cases with
	// a chart of it.
	Timeline []int `json:",omitempty"`
}

func (c Case) outcome(r *sim.Result, own []int) Outcome {
	all := r.Length()
	o := Outcome{
		Finished: r.Finished, Failed: r.Failed, Rejected: r.Met(0, all, own...), Took: r.Last,
		Slowdown: r.Last.Seconds() / c.shortest(r.People()+r.Got(0, all)-r.Got(0, all, own...)).Seconds(),
		Share:    float64(r.Got(0, all)) / (limitN * (1 + r.Last.Seconds()/sim.Window.Seconds())),
		P50:      r.Wait(0.5), P99: r.Wait(0.99),
	}
	if c.Name == "burst" {
		o.Timeline = r.Timeline()
	}
	if c.People > 0 {
		o.P50, o.P99 = r.PeopleWait(0.5), r.PeopleWait(0.99)
	}
	return o
}

// shortest returns the least time for the case's work and the accepted calls of
// others: N at once, N per window after that, and one round trip.
func (c Case) shortest(others int) time.Duration {
	return time.Duration(float64(c.Calls+others-limitN)/limitN*float64(sim.Window)) + sim.Median
}

// per1000 returns the 429s per thousand calls that succeeded.
func (o Outcome) per1000() float64 { return 1000 * float64(o.Rejected) / float64(max(o.Finished, 1)) }

// complete reports whether all the work was done before the cutoff.
func (c Case) complete(o Outcome) bool { return o.Finished == c.Calls/c.Programs*c.Programs }
