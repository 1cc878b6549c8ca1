package otelthrottle

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/metric"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// Source supplies snapshots, such as a [transport.Transport].
type Source interface{ Snapshot() transport.Snapshot }

// Watch measures the state of a throttle at every collection, until unregister is
// called. Throttles on one budget, as by clerkthrottle.WithBudgetOf, have one state:
// watch one of them. A nil source is ignored.
func (in *Instrumentation) Watch(s Source) (unregister func()) {
	if s == nil {
		return func() {}
	}
	watched := &s // distinguishes two calls with the same source
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
	s := state{in, make(map[point[upDown]]int), make(map[point[gauge]]float64)}
	for _, source := range sources {
		s.add((*source).Snapshot())
	}
	for p, n := range s.counts {
		o.ObserveInt64(*p.of, int64(n), metric.WithAttributes(p.attributes()...))
	}
	for p, v := range s.gauges {
		o.ObserveFloat64(*p.of, v, metric.WithAttributes(p.attributes()...))
	}
	return nil
}

// state sums up what is observed under one name: the buckets of all users with the
// same limit, and the gates of all addresses and instances. So neither keys nor ids
// become attributes.
type state struct {
	in     *Instrumentation
	counts map[point[upDown]]int
	gauges map[point[gauge]]float64
}

type point[Instrument any] struct {
	of *Instrument
	labels
}

type upDown = metric.Int64ObservableUpDownCounter
type gauge = metric.Float64ObservableGauge

func (s *state) add(from snapshot.Snapshot) {
	if from.Fleet != nil {
		s.count(&s.in.unreachable, one(!from.Fleet.Reached), labels{})
	}
	for _, l := range from.PrivateLimits {
		s.addLimits(l)
	}
	for _, l := range from.Limits {
		if !l.Private { // private ones are in PrivateLimits
			s.addLimits(snapshot.PrivateLimits{
				Name: l.Name, Kept: 1, Exhausted: one(l.Free <= 0), N: l.N,
				Free: l.Free, InFlight: l.InFlight, Returning: l.Returning, ByClass: l.ByClass,
			})
		}
	}
	for _, e := range from.PrivateEndpoints {
		s.addEndpoints(e)
	}
	for _, e := range from.Endpoints {
		if !e.Private {
			s.addEndpoints(snapshot.PrivateEndpoints{Endpoint: e.Endpoint, Blocked: one(e.BlockedUntil != nil), ByClass: e.ByClass})
		}
		l := labels{endpoint: e.Endpoint}
		if e.BlockedUntil != nil {
			longest := point[gauge]{&s.in.blockRemaining, l}
			s.gauges[longest] = max(s.gauges[longest], e.BlockedUntil.Sub(from.Time).Seconds())
		}
		if e.Documented > 0 {
			s.gauges[point[gauge]{&s.in.rateLearned, l}] += e.Rate
			s.gauges[point[gauge]{&s.in.rateDocumented, l}] += e.Documented
		}
	}
}

func (s *state) addLimits(l snapshot.PrivateLimits) {
	s.count(&s.in.tokenUsage, l.Free, labels{limit: l.Name, tokenState: "free"})
	s.count(&s.in.tokenUsage, l.InFlight, labels{limit: l.Name, tokenState: "in_flight"})
	s.count(&s.in.tokenUsage, l.Returning, labels{limit: l.Name, tokenState: "returning"})
	s.count(&s.in.tokenLimit, l.N, labels{limit: l.Name})
	s.count(&s.in.bucketCount, l.Kept-l.Exhausted, labels{limit: l.Name, bucketState: "available"})
	s.count(&s.in.bucketCount, l.Exhausted, labels{limit: l.Name, bucketState: "exhausted"})
	s.countWaiting(l.ByClass, labels{limit: l.Name})
}

func (s *state) addEndpoints(e snapshot.PrivateEndpoints) {
	l := labels{endpoint: e.Endpoint}
	s.count(&s.in.blockedCount, e.Blocked, l)
	s.countWaiting(e.ByClass, l)
	s.gauges[point[gauge]{&s.in.blockRemaining, l}] += 0 // 0 if open
}

func (s *state) countWaiting(n snapshot.Classes, l labels) {
	for p, n := range map[transport.Priority]int{transport.Interactive: n.Interactive, transport.Normal: n.Normal, transport.Batch: n.Batch} {
		l.priority = p.String()
		s.count(&s.in.waitingCount, n, l)
	}
}

func (s *state) count(of *upDown, n int, l labels) { s.counts[point[upDown]{of, l}] += n }

// one returns 1 if cond is true, else 0.
func one(cond bool) (n int) {
	if cond {
		n = 1
	}
	return n
}
