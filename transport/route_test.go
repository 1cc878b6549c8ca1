package transport_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// A claim that is handed out again remembers its route. It must not make a
// difference, whatever was forgotten in between or found no room: a program does a few
// things, once with the same claims and once with a new one for every request.
func FuzzRememberedRoutesMakeNoDifference(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		program := make([]byte, 100)
		for i := range program {
			program[i] = byte(rng.Uint32())
		}
		f.Add(program)
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		program = program[:min(len(program), 200)]
		var fresh, again []string
		synctest.Test(t, func(t *testing.T) { fresh = runClaims(program, claimOf) })
		kept := map[byte]*transport.Claim{}
		synctest.Test(t, func(t *testing.T) {
			again = runClaims(program, func(i byte) *transport.Claim {
				if kept[i] == nil {
					kept[i] = claimOf(i)
				}
				return kept[i]
			})
		})
		for i := range fresh {
			if fresh[i] != again[i] {
				t.Fatalf("step %d of %v: %s with claims that are handed out again, %s with new ones", i, program, again[i], fresh[i])
			}
		}
	})
}

// claimOf returns one of eight claims, which share an endpoint, a private limit, or
// the last limit with others.
func claimOf(i byte) *transport.Claim {
	last := transport.Limit{Name: "last", Key: fmt.Sprint("last ", i/4), N: 3, Window: time.Second}
	own := transport.Limit{Name: "own", Key: fmt.Sprint("own ", i/2), N: 2, Window: 2 * time.Second, Private: i%2 == 0}
	endpoint := fmt.Sprint("GET /", i%3)
	return &transport.Claim{Endpoint: endpoint, Key: fmt.Sprint(endpoint, " ", i), Limits: []transport.Limit{own, last}, Rate: last}
}

// runClaims does what each byte of a program says, and returns what came of it.
func runClaims(program []byte, claim func(byte) *transport.Claim) (all []string) {
	s := transport.NewScheduler(transport.Config{MaxKeys: 3, ReserveInteractive: 0.3})
	var out []*transport.Permit
	for _, b := range program {
		result := "nothing"
		switch n := b & 7; b >> 6 {
		case 0, 1: // a request, which does not wait
			p, err := s.Acquire(context.Background(), claim(n), time.Duration(b>>3&7)*time.Millisecond)
			if err == nil {
				out = append(out, p)
			}
			result = fmt.Sprint(err)
		case 2: // an answer
			if len(out) > 0 {
				outcome := transport.Outcome(n % 4) // not blind: a backoff is drawn at random
				if outcome == transport.Throttled {
					out[0].Block(time.Second)
				}
				out[0].Settle(outcome)
				out = out[1:]
			}
		case 3: // time goes by
			time.Sleep(time.Duration(b&63) * 100 * time.Millisecond)
		}
		snap := s.Snapshot()
		all = append(all, fmt.Sprint(result, " ", len(snap.Limits), len(snap.Endpoints), snap.Limits, snap.Endpoints))
	}
	for _, p := range out {
		p.Settle(transport.Failed)
	}
	_ = s.Close()
	return all
}
