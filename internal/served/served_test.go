package served

import (
	"math"
	"testing"
	"time"
)

// Two programs and an outsider share a limit of ten a second for ten seconds. The
// second starts after five seconds, and all 429s are the first's.
func TestCountsAreOfTheSpanAndThePrograms(t *testing.T) {
	c := New(3, 10, time.Second, 10*time.Second)
	for second := range 10 {
		at := time.Duration(second) * time.Second
		for range 4 {
			c.Answer(0, at, true)
			c.Answer(2, at+time.Second/2, true)
		}
		if c.Answer(0, at, false); second >= 5 {
			c.Answer(1, at, true)
		}
	}
	const half, end = 5 * time.Second, 10 * time.Second
	for name, c := range map[string]struct{ got, want float64 }{
		"let through of all":           {float64(c.Got(0, c.Length())), 85},
		"let through of one":           {float64(c.Got(half, end, 0)), 20},
		"429s":                         {float64(c.Met(half, end, 0, 1)), 5},
		"429s of another":              {float64(c.Met(0, end, 1)), 0},
		"429s per 1000":                {c.Per1000(half, end, 0, 1), 200},
		"429s of nothing":              {c.Per1000(0, half, 1), 0},
		"share of the limit":           {c.Share(0, half), 0.8},
		"share of what others left":    {c.Share(half, end, 0, 1), 25. / 30},
		"fairness, even":               {c.Jain(0, end, 0, 2), 1},
		"fairness, one has all":        {c.Jain(0, half, 0, 1), 0.5},
		"fairness, nobody has a thing": {c.Jain(0, half, 1), 0},
	} {
		if math.Abs(c.got-c.want) > 1e-9 {
			t.Errorf("%s: %g, want %g", name, c.got, c.want)
		}
	}
}
