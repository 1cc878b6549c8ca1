package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

var algorithms = []clerktest.Algorithm{clerktest.FixedWindow, clerktest.SlidingLog, clerktest.TokenBucket}

// TestManyPrograms prints what programs get that share a limit without knowing
// of each other, in ten minutes of which the first is not counted, and holds it
// to the project's targets.
func TestManyPrograms(t *testing.T) {
	const callers = 256
	for _, c := range []struct {
		programs, limit      int
		per1000, share, jain float64
	}{
		{1, 1000, 0, 0.985, 0},
		{4, 1000, 0.5, 0.95, 0.98},
		{16, 1000, 2, 0.95, 0.98},
		{64, 1000, 8, 0.90, 0.95},
		{8, 100, 5, 0.85, 0},
	} {
		for _, algorithm := range algorithms {
			t.Run(fmt.Sprintf("%d programs, %d per 10s, %v", c.programs, c.limit, algorithm), func(t *testing.T) {
				r := Run(t, Scenario{
					Limit: c.limit, Algorithm: algorithm, Duration: 10 * time.Minute, Seed: 1,
					Programs: Programs(c.programs, Program{Client: Throttled(c.limit), Callers: max(callers/c.programs, 8)}),
				})
				const from, to = time.Minute, 10 * time.Minute
				per1000, share, jain := r.Per1000(from, to), r.Share(from, to), r.Jain(from, to)
				t.Logf("%6.2f of 429s per 1000, %.3f of the limit, Jain %.3f; first minute %d of 429s",
					per1000, share, jain, r.Rejected(0, time.Minute))
				if per1000 > c.per1000 || share < c.share || jain < c.jain {
					t.Errorf("want at most %.1f of 429s per 1000, at least %.3f of the limit, Jain %.2f", c.per1000, c.share, c.jain)
				}
			})
		}
	}
}
