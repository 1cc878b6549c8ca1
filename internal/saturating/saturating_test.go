package saturating

import (
	"math"
	"testing"
	"time"
)

func TestNothingWrapsIntoThePast(t *testing.T) {
	const end = time.Duration(math.MaxInt64)
	for _, c := range []struct{ got, want time.Duration }{
		{Add(3, 4), 7},
		{Add(0, end), end},
		{Add(1, end), end},
		{Add(end, 0), end},
		{Add(5, -2), 3},
		{AddTimes(3, 0, end), 3},
		{AddTimes(3, 2, 4), 11},
		{AddTimes(0, 2, end/2), end - 1},
		{AddTimes(2, 2, end/2), end},
		{AddTimes(1, math.MaxInt, end), end},
	} {
		if c.got != c.want {
			t.Errorf("got %d, want %d", c.got, c.want)
		}
	}
}
