package transport

import (
	"cmp"
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// Snapshot implements [Budget].
func (b *localBudget) Snapshot() Snapshot {
	s, limits, endpoints := b.snapshot()
	s.Limits = append(s.Limits, limits.best()...)
	s.Endpoints = append(s.Endpoints, endpoints.best()...)
	slices.SortFunc(s.Limits, func(a, b LimitSnapshot) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(s.Endpoints, func(a, b EndpointSnapshot) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(s.PrivateLimits, func(a, b PrivateLimits) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(s.PrivateEndpoints, func(a, b PrivateEndpoints) int { return cmp.Compare(a.Endpoint, b.Endpoint) })
	return s
}

// snapshot returns what is shared, the sums of what is private, and the busiest
// of that.
func (b *localBudget) snapshot() (s Snapshot, limits busiest[LimitSnapshot], endpoints busiest[EndpointSnapshot]) {
	limits.compare, endpoints.compare = busierLimit, busierEndpoint
	b.mu.Lock()
	defer b.unlock()
	now := b.now()
	s.Time, s.History = b.epoch.Add(now), b.historyLocked(now)
	s.Limits, s.Endpoints = []LimitSnapshot{}, []EndpointSnapshot{}
	for key, st := range b.windows.All() {
		if l := b.limitSnapshotLocked(key, st, now); st.limit.Private {
			s.addPrivateLimit(&l)
			limits.add(l)
		} else {
			s.Limits = append(s.Limits, l)
		}
	}
	for _, ep := range b.endpoints.All() {
		b.forgottenLocked(ep, now)
		if e := b.endpointSnapshotLocked(ep, now); ep.private {
			s.addPrivateEndpoint(&e)
			endpoints.add(e)
		} else {
			s.Endpoints = append(s.Endpoints, e)
		}
	}
	return s, limits, endpoints
}

func (s *Snapshot) addPrivateLimit(l *LimitSnapshot) {
	sum := sumOf(&s.PrivateLimits, func(p *PrivateLimits) bool { return p.Name == l.Name })
	sum.Name = l.Name
	sum.Kept++
	if l.Free <= 0 {
		sum.Exhausted++
	}
	sum.N += l.N
	sum.Free += l.Free
	sum.InFlight += l.InFlight
	sum.Returning += l.Returning
	sum.Waiting += l.Waiting
	sum.ByClass = sum.ByClass.plus(l.ByClass)
}

func (s *Snapshot) addPrivateEndpoint(e *EndpointSnapshot) {
	sum := sumOf(&s.PrivateEndpoints, func(p *PrivateEndpoints) bool { return p.Endpoint == e.Endpoint })
	sum.Endpoint = e.Endpoint
	sum.Kept++
	if e.BlockedUntil != nil {
		sum.Blocked++
	}
	sum.Waiting += e.Waiting
	sum.ByClass = sum.ByClass.plus(e.ByClass)
	counts := tally.Counts(sum.Counts)
	counts.Add(tally.Counts(e.Counts))
	sum.Counts = Counts(counts)
}

// sumOf returns the one of a few sums that is meant, made if there is none.
func sumOf[T any](sums *[]T, meant func(*T) bool) *T {
	for i := range *sums {
		if meant(&(*sums)[i]) {
			return &(*sums)[i]
		}
	}
	*sums = append(*sums, *new(T))
	return &(*sums)[len(*sums)-1]
}

// busiest keeps, of many, the first [SnapshotPrivate] in an order.
type busiest[T any] struct {
	all     []T
	compare func(a, b T) int
}

func (k *busiest[T]) add(v T) {
	k.all = append(k.all, v)
	if len(k.all) == 4*SnapshotPrivate {
		k.all = k.best()
	}
}

func (k *busiest[T]) best() []T {
	slices.SortFunc(k.all, k.compare)
	return k.all[:min(len(k.all), SnapshotPrivate)]
}

func busierLimit(a, b LimitSnapshot) int {
	return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(a.Free, b.Free), cmp.Compare(a.Key, b.Key))
}

func busierEndpoint(a, b EndpointSnapshot) int {
	blocked := func(e EndpointSnapshot) int {
		if e.BlockedUntil != nil {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(blocked(b), blocked(a)),
		cmp.Compare(b.Counts.Sent, a.Counts.Sent), cmp.Compare(a.Key, b.Key))
}

func (b *localBudget) limitSnapshotLocked(key string, st *station, now time.Duration) LimitSnapshot {
	n, window := st.window.Limit()
	free, inFlight := st.window.Free(now), st.window.InFlight()
	l := LimitSnapshot{
		Name: st.limit.Name, Key: key, Private: st.limit.Private, N: n, Window: window,
		Free: free, InFlight: inFlight, Returning: n - free - inFlight,
		Waiting: st.waiting(), ByClass: classesOf(st),
	}
	if st.line != nil {
		next := b.epoch.Add(st.next(now))
		l.Next = &next
	}
	return l
}

func (b *localBudget) endpointSnapshotLocked(ep *endpoint, now time.Duration) EndpointSnapshot {
	e := EndpointSnapshot{
		Endpoint: ep.name, Key: ep.key, Private: ep.private,
		Waiting: ep.gate.waiting(), ByClass: classesOf(&ep.gate),
		Counts: Counts{Sent: ep.sent},
	}
	if !ep.gate.Ready(now) {
		until := b.epoch.Add(ep.gateRule.Until())
		e.BlockedUntil = &until
	}
	if p := ep.pace; p != nil {
		e.Waiting += p.waiting()
		e.ByClass = e.ByClass.plus(classesOf(&p.station))
		e.Learned, e.Rate = p.rate.Learned(now), p.rate.PerSecond(now)
		e.Documented = perSecond(p.limit)
	}
	if n := ep.noted; n != nil {
		e.Counts = Counts(n.Counts)
		e.Counts.Sent = ep.sent
		waits := n.waits.WithZeros(ep.sent - n.Waited)
		e.Waits = Waits{P50: waits.Quantile(0.5), P90: waits.Quantile(0.9), P99: waits.Quantile(0.99), Max: waits.Max()}
	}
	return e
}

func (b *localBudget) historyLocked(now time.Duration) History {
	h := History{Slice: tally.SliceLength}
	for _, s := range b.history.Slices(now) {
		h.Slices = append(h.Slices, HistorySlice{Start: b.epoch.Add(s.Start), Wait: s.Wait, Counts: Counts(s.Counts)})
	}
	return h
}

func classesOf(st *station) Classes {
	if st.line == nil {
		return Classes{}
	}
	of := func(p Priority) int { return st.line.LenOf(p.class()) }
	return Classes{Interactive: of(Interactive), Normal: of(Normal), Batch: of(Batch)}
}

func (c Classes) plus(d Classes) Classes {
	return Classes{Interactive: c.Interactive + d.Interactive, Normal: c.Normal + d.Normal, Batch: c.Batch + d.Batch}
}
