package otelthrottle

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Source is what can be watched: a [transport.Transport] or a
// [transport.Budget].
type Source interface{ Snapshot() transport.Snapshot }

// source tells apart two uses of Watch with the same Source.
type source struct{ Source }

// Watch has the state of a throttle measured at every collection, until
// unregister is called. Throttles that share a Budget have one state: watch one
// of them, or the Budget. A nil source is ignored.
func (in *Instrumentation) Watch(s Source) (unregister func()) {
	if s == nil {
		return func() {}
	}
	watched := &source{s}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.sources = append(in.sources, watched)
	return func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		if i := slices.Index(in.sources, watched); i >= 0 {
			in.sources = slices.Delete(in.sources, i, i+1)
		}
	}
}

// collect is the callback of all observable instruments.
func (in *Instrumentation) collect(_ context.Context, o metric.Observer) error {
	in.mu.Lock()
	sources := slices.Clone(in.sources)
	in.mu.Unlock()
	s := newSums(in)
	for _, source := range sources {
		s.add(source.Snapshot())
	}
	s.observe(o)
	return nil
}

// sums adds up what has one attribute set: the buckets of all users that have a
// limit of the same name, and the gates of all addresses and instances that
// belong to the same endpoint. So neither keys nor ids become attributes.
type sums struct {
	in        *Instrumentation
	limits    map[*limit]*limitSum
	endpoints map[*endpoint]*endpointSum

	shared, unreachable int // budgets
}

type limitSum struct {
	free, inFlight, returning, n int
	available, exhausted         int // buckets
	waiting                      transport.Classes
}

type endpointSum struct {
	blocked             int
	remaining           float64 // the longest, in seconds
	learned, documented float64
	waiting             transport.Classes
}

func newSums(in *Instrumentation) *sums {
	return &sums{in: in, limits: make(map[*limit]*limitSum), endpoints: make(map[*endpoint]*endpointSum)}
}

func (s *sums) add(from transport.Snapshot) {
	if from.Fleet != nil {
		s.shared++
		if !from.Fleet.Reached {
			s.unreachable++
		}
	}
	for i := range from.Limits {
		l := &from.Limits[i]
		if l.Private && len(from.PrivateLimits) > 0 {
			continue // part of a sum below
		}
		sum := at(s.limits, s.in.limits.get(l.Name))
		sum.free += l.Free
		sum.inFlight += l.InFlight
		sum.returning += l.Returning
		sum.n += l.N
		if l.Free > 0 {
			sum.available++
		} else {
			sum.exhausted++
		}
		sum.waiting = plus(sum.waiting, l.ByClass)
	}
	for i := range from.PrivateLimits {
		l := &from.PrivateLimits[i]
		sum := at(s.limits, s.in.limits.get(l.Name))
		sum.free += l.Free
		sum.inFlight += l.InFlight
		sum.returning += l.Returning
		sum.n += l.N
		sum.available += l.Kept - l.Exhausted
		sum.exhausted += l.Exhausted
		sum.waiting = plus(sum.waiting, l.ByClass)
	}
	for i := range from.PrivateEndpoints {
		e := &from.PrivateEndpoints[i]
		sum := at(s.endpoints, s.in.endpoints.get(e.Endpoint))
		sum.blocked += e.Blocked
		sum.waiting = plus(sum.waiting, e.ByClass)
	}
	for i := range from.Endpoints {
		e := &from.Endpoints[i]
		sum := at(s.endpoints, s.in.endpoints.get(e.Endpoint))
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
		sum.waiting = plus(sum.waiting, e.ByClass)
	}
}

func (s *sums) observe(o metric.Observer) {
	in := s.in
	if s.shared > 0 {
		o.ObserveInt64(in.unreachable, int64(s.unreachable))
	}
	for l, sum := range s.limits {
		tokens := func(state string, n int) {
			o.ObserveInt64(in.tokenUsage, int64(n), metric.WithAttributes(l.name, tokenStateKey.String(state)))
		}
		tokens("free", sum.free)
		tokens("in_flight", sum.inFlight)
		tokens("returning", sum.returning)
		o.ObserveInt64(in.tokenLimit, int64(sum.n), metric.WithAttributes(l.name))
		o.ObserveInt64(in.bucketCount, int64(sum.available), metric.WithAttributes(l.name, bucketStateKey.String("available")))
		o.ObserveInt64(in.bucketCount, int64(sum.exhausted), metric.WithAttributes(l.name, bucketStateKey.String("exhausted")))
		in.observeWaiting(o, sum.waiting, l.name)
	}
	for e, sum := range s.endpoints {
		all := metric.WithAttributeSet(attribute.NewSet(e.attributes()...))
		o.ObserveInt64(in.blockedCount, int64(sum.blocked), all)
		o.ObserveFloat64(in.blockRemaining, sum.remaining, all)
		if sum.documented > 0 {
			o.ObserveFloat64(in.rateLearned, sum.learned, all)
			o.ObserveFloat64(in.rateDocumented, sum.documented, all)
		}
		in.observeWaiting(o, sum.waiting, e.attributes()...)
	}
}

func (in *Instrumentation) observeWaiting(o metric.Observer, n transport.Classes, where ...attribute.KeyValue) {
	of := func(p transport.Priority, n int) {
		o.ObserveInt64(in.waitingCount, int64(n), metric.WithAttributes(append(slices.Clone(where), priorityOf(p))...))
	}
	of(transport.Interactive, n.Interactive)
	of(transport.Normal, n.Normal)
	of(transport.Batch, n.Batch)
}

func plus(a, b transport.Classes) transport.Classes {
	return transport.Classes{Interactive: a.Interactive + b.Interactive, Normal: a.Normal + b.Normal, Batch: a.Batch + b.Batch}
}

// at returns a map's value at a key, a new one if there is none.
func at[K comparable, V any](m map[K]*V, key K) *V {
	v, ok := m[key]
	if !ok {
		v = new(V)
		m[key] = v
	}
	return v
}
