package statuspage

import (
	"cmp"
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// cause is something that holds requests back. The templates put it into words.
type cause struct {
	Of       string // "block", "limit" or "rate"
	N        int    // how many blocks, limits or rates they are
	Name     string // of the only one
	Waiting  int
	End      moment   // when the last block ends, or the next request goes
	Endpoint endpoint // the busiest of those whose rate it is
}

// causes lists what holds requests back, what holds the most first. Limits are
// one cause each, or one for them all where they are many: every user has one.
func causes(s snapshot.Snapshot) []cause {
	block, rate, limits := cause{Of: "block"}, cause{Of: "rate"}, cause{Of: "limit"}
	for _, e := range s.Endpoints {
		switch {
		case blocked(e, s.Time):
			if block.N == 0 || e.BlockedUntil.After(block.End.At) {
				block.Name, block.End = e.Endpoint, until(e.BlockedUntil, s.Time)
			}
			block.N++
			block.Waiting += e.Waiting
		case e.Waiting > 0: // at an open gate: for the rate
			if e.Waiting > rate.Endpoint.Waiting {
				rate.Name, rate.Endpoint = e.Endpoint, e
			}
			rate.N++
			rate.Waiting += e.Waiting
		}
	}
	found := []cause{block}
	for _, l := range s.Limits {
		if l.Waiting > 0 {
			limits.N++
			limits.Waiting += l.Waiting
			found = append(found, cause{Of: "limit", N: 1, Name: l.Name, Waiting: l.Waiting, End: until(l.Next, s.Time)})
		}
	}
	if limits.N > 2 {
		found = []cause{block, limits}
	}
	found = slices.DeleteFunc(append(found, rate), func(c cause) bool { return c.N == 0 })
	slices.SortStableFunc(found, func(a, b cause) int { return cmp.Compare(b.Waiting, a.Waiting) })
	return found
}

// total adds up the slices that ended after a moment.
func total(h snapshot.History, from time.Time) (sum snapshot.Counts) {
	for _, s := range h.Slices {
		if s.Start.Add(h.Slice).After(from) {
			add(&sum, s.Counts)
		}
	}
	return sum
}

func add(sum *snapshot.Counts, c snapshot.Counts) {
	sum.Sent += c.Sent
	sum.Waited += c.Waited
	sum.Refused += c.Refused
	sum.Throttled += c.Throttled
	sum.Retried += c.Retried
}
