package otelthrottle

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/metric"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Source is what can be watched, such as a [transport.Transport].
type Source interface{ Snapshot() transport.Snapshot }

// Watch has the state of a throttle measured at every collection, until
// unregister is called. Throttles that draw on one budget, as by
// clerkthrottle.WithBudgetOf, have one state: watch one of them. A nil source is
// ignored.
func (in *Instrumentation) Watch(s Source) (unregister func()) {
	if s == nil {
		return func() {}
	}
	watched := &s // tells apart two uses with the same source
	in.mu.Lock()
	defer in.mu.Unlock()
	in.sources = append(in.sources, watched)
	return func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.sources = slices.DeleteFunc(in.sources, func(other *Source) bool { return other == watched })
	}
}

// collect is the callback of all observable instruments.
func (in *Instrumentation) collect(_ context.Context, o metric.Observer) error {
	in.mu.Lock()
	sources := slices.Clone(in.sources)
	in.mu.Unlock()
	s := sums{in: in, limits: make(map[string]*transport.PrivateLimits), endpoints: make(map[string]*endpointSum)}
	for _, source := range sources {
		s.add((*source).Snapshot())
	}
	s.observe(o)
	return nil
}

// sums adds up what has the same name: the buckets of all users that have a limit
// of it, and the gates of all addresses and instances. So neither keys nor ids
// become attributes.
type sums struct {
	in        *Instrumentation
	limits    map[string]*transport.PrivateLimits
	endpoints map[string]*endpointSum

	shared, unreachable int // budgets
}

type endpointSum struct {
	blocked             int
	remaining           float64 // the longest, in seconds
	learned, documented float64
	waiting             transport.Classes
}

func (s *sums) add(from transport.Snapshot) {
	if from.Fleet != nil {
		s.shared++
		if !from.Fleet.Reached {
			s.unreachable++
		}
	}
	for _, l := range from.PrivateLimits {
		s.addLimits(l)
	}
	for _, l := range from.Limits {
		if l.Private && len(from.PrivateLimits) > 0 {
			continue // part of a sum above
		}
		one := transport.PrivateLimits{Name: l.Name, Kept: 1, N: l.N, Free: l.Free, InFlight: l.InFlight, Returning: l.Returning, ByClass: l.ByClass}
		if l.Free <= 0 {
			one.Exhausted = 1
		}
		s.addLimits(one)
	}
	for _, e := range from.PrivateEndpoints {
		sum := at(s.endpoints, s.in.endpoint(e.Endpoint))
		sum.blocked += e.Blocked
		addClasses(&sum.waiting, e.ByClass)
	}
	for _, e := range from.Endpoints {
		sum := at(s.endpoints, s.in.endpoint(e.Endpoint))
		if e.BlockedUntil != nil {
			sum.remaining = max(sum.remaining, e.BlockedUntil.Sub(from.Time).Seconds())
		}
		if e.Private && len(from.PrivateEndpoints) > 0 {
			continue // part of a sum above
		}
		if e.BlockedUntil != nil {
			sum.blocked++
		}
		sum.learned += e.Rate
		sum.documented += e.Documented
		addClasses(&sum.waiting, e.ByClass)
	}
}

func (s *sums) addLimits(l transport.PrivateLimits) {
	sum := at(s.limits, s.in.limit(l.Name))
	sum.Kept += l.Kept
	sum.Exhausted += l.Exhausted
	sum.N += l.N
	sum.Free += l.Free
	sum.InFlight += l.InFlight
	sum.Returning += l.Returning
	addClasses(&sum.ByClass, l.ByClass)
}

func (s *sums) observe(o metric.Observer) {
	in := s.in
	count := func(of metric.Int64Observable, n int, l labels) {
		o.ObserveInt64(of, int64(n), metric.WithAttributes(l.attributes()...))
	}
	waiting := func(n transport.Classes, l labels) {
		for p, n := range map[transport.Priority]int{transport.Interactive: n.Interactive, transport.Normal: n.Normal, transport.Batch: n.Batch} {
			l.priority = p.String()
			count(in.waitingCount, n, l)
		}
	}
	if s.shared > 0 {
		count(in.unreachable, s.unreachable, labels{})
	}
	for name, sum := range s.limits {
		count(in.tokenUsage, sum.Free, labels{limit: name, tokenState: "free"})
		count(in.tokenUsage, sum.InFlight, labels{limit: name, tokenState: "in_flight"})
		count(in.tokenUsage, sum.Returning, labels{limit: name, tokenState: "returning"})
		count(in.tokenLimit, sum.N, labels{limit: name})
		count(in.bucketCount, sum.Kept-sum.Exhausted, labels{limit: name, bucketState: "available"})
		count(in.bucketCount, sum.Exhausted, labels{limit: name, bucketState: "exhausted"})
		waiting(sum.ByClass, labels{limit: name})
	}
	for name, sum := range s.endpoints {
		l := labels{endpoint: name}
		all := metric.WithAttributes(l.attributes()...)
		count(in.blockedCount, sum.blocked, l)
		o.ObserveFloat64(in.blockRemaining, sum.remaining, all)
		if sum.documented > 0 {
			o.ObserveFloat64(in.rateLearned, sum.learned, all)
			o.ObserveFloat64(in.rateDocumented, sum.documented, all)
		}
		waiting(sum.waiting, l)
	}
}

func addClasses(sum *transport.Classes, c transport.Classes) {
	sum.Interactive += c.Interactive
	sum.Normal += c.Normal
	sum.Batch += c.Batch
}

// at returns a map's value at a key, a new one if there is none.
func at[V any](m map[string]*V, key string) *V {
	if m[key] == nil {
		m[key] = new(V)
	}
	return m[key]
}
