package statuspage

import (
	"cmp"
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// cause is a reason why requests wait. The templates put it into words.
type cause struct {
	Of       string // "block", "limit" or "rate"
	N        int    // how many blocks, limits or rates
	Name     string // if N is 1
	Waiting  int
	End      moment   // when the last block ends, or the limit's next request goes
	Endpoint endpoint // for a rate: the one with most waiting
}

// causes lists the reasons why requests wait, those with most waiting first. Each
// limit is a cause, but more than two are summed up as one: every user may have one.
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
		case e.Waiting > 0: // the gate is open: they wait for the rate
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

// total sums the slices that ended after from.
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
