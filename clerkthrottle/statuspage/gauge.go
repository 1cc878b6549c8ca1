package statuspage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

const (
	fewGauges  = 7   // the busiest, unless the reader asks for all
	manyGauges = 200 // more than anybody reads; the JSON has them all
)

// gauge shows a limit over its window.
type gauge struct {
	transport.LimitSnapshot
	Place   string // whose limit it is
	Classes string // who waits
	Busy    bool   // requests wait for it

	InFlightShare, ReturningShare float64
	FreeShare                     float64
}

// Reading is the gauge in words, for who cannot see it.
func (g gauge) Reading() string {
	s := num(g.Free) + " of " + num(g.N) + " free, " + num(g.InFlight) + " in flight, " + num(g.Returning) + " returning"
	if g.Waiting > 0 {
		s += "; " + verb(g.Waiting, "request", "waits", "wait")
	}
	return s
}

// newGauges returns the limits in use, the busiest first, and how many others
// there are. The order is made of what changes seldom, so that gauges keep
// their place.
func newGauges(s transport.Snapshot, common string, all bool) (shown []gauge, more int) {
	limits := slices.Clone(s.Limits)
	slices.SortStableFunc(limits, func(a, b transport.LimitSnapshot) int {
		return cmp.Or(
			cmp.Compare(sign(b.Waiting), sign(a.Waiting)),
			cmp.Compare(sign(b.N-b.Free), sign(a.N-a.Free)),
			cmp.Compare(b.N, a.N),
			strings.Compare(a.Key, b.Key),
		)
	})
	most := fewGauges
	if all {
		most = manyGauges
	}
	more = max(0, len(limits)-most)
	for _, l := range limits[:len(limits)-more] {
		n := max(1, float64(l.N))
		shown = append(shown, gauge{
			LimitSnapshot:  l,
			Place:          within(placeOf(l.Key, l.Name), common),
			Classes:        classesText(l.ByClass),
			Busy:           l.Waiting > 0,
			InFlightShare:  share(float64(l.InFlight) / n),
			ReturningShare: share(float64(l.Returning) / n),
			FreeShare:      share(float64(l.Free) / n),
		})
	}
	return shown, more
}

// block is an endpoint that a 429 closed.
type block struct {
	Key, Endpoint, Place string
	Until                time.Time
	Left                 time.Duration
	Waiting              int
	Classes              string
}

const mostBlocks = 12

// newBlocks returns the blocked endpoints, the last to open first.
func newBlocks(s transport.Snapshot, common string) (shown []block, more int) {
	for _, e := range s.Endpoints {
		if blocked(e, s.Time) {
			shown = append(shown, block{
				Key:      e.Key,
				Endpoint: e.Endpoint,
				Place:    within(placeOf(e.Key, e.Endpoint), common),
				Until:    *e.BlockedUntil,
				Left:     e.BlockedUntil.Sub(s.Time),
				Waiting:  e.Waiting,
				Classes:  classesText(e.ByClass),
			})
		}
	}
	slices.SortStableFunc(shown, func(a, b block) int { return b.Until.Compare(a.Until) })
	more = max(0, len(shown)-mostBlocks)
	return shown[:len(shown)-more], more
}

func sign(n int) int { return cmp.Compare(n, 0) }

func share(f float64) float64 { return min(1, max(0, f)) }
