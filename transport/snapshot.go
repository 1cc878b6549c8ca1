package transport

import (
	"cmp"
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/retrybudget"
	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// Snapshot is the state of a throttle at one moment; see package snapshot.
type Snapshot = snapshot.Snapshot

// snapshot returns the state of the scheduler's buckets and gates.
func (s *scheduler) snapshot() Snapshot {
	limits, endpoints := newListing(busierLimit), newListing(busierEndpoint)
	snap := s.listLocking(limits, endpoints)
	snap.Limits, snap.Endpoints = limits.best(), endpoints.best()
	snap.Unlisted = limits.shared.omitted + endpoints.shared.omitted
	slices.SortFunc(snap.Limits, func(a, b snapshot.Limit) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(snap.Endpoints, func(a, b snapshot.Endpoint) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(snap.PrivateLimits, func(a, b snapshot.PrivateLimits) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(snap.PrivateEndpoints, func(a, b snapshot.PrivateEndpoints) int { return cmp.Compare(a.Endpoint, b.Endpoint) })
	return snap
}

// listLocking takes the lock, adds all limits and endpoints to the listings, and
// returns the rest of the snapshot.
func (s *scheduler) listLocking(limits *listing[snapshot.Limit], endpoints *listing[snapshot.Endpoint]) (snap Snapshot) {
	s.lock()
	defer s.unlock()
	now := s.now()
	snap.Time, snap.History = s.epoch.Add(now), s.historyLocked(now)
	for _, st := range s.windows.All() {
		l := s.limitSnapshotLocked(st, now)
		if l.Private {
			addPrivateLimit(&snap, &l)
		}
		limits.add(l, l.Private)
	}
	for _, ep := range s.endpoints.All() {
		s.noteUnlearnedLocked(ep, now)
		e := s.endpointSnapshotLocked(ep, now)
		if e.Private {
			addPrivateEndpoint(&snap, &e)
		}
		endpoints.add(e, e.Private)
	}
	snap.Retries.Left, snap.Retries.Denied = s.retries.State(now, s.history.Sent(now, retrybudget.Memory))
	if s.fleet != nil {
		snap.Fleet = s.fleet.snapshotLocked(now)
	}
	return snap
}

func addPrivateLimit(snap *Snapshot, l *snapshot.Limit) {
	sum := sumOf(&snap.PrivateLimits, func(p *snapshot.PrivateLimits) bool { return p.Name == l.Name })
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
	sum.ByClass = plus(sum.ByClass, l.ByClass)
}

func addPrivateEndpoint(snap *Snapshot, e *snapshot.Endpoint) {
	sum := sumOf(&snap.PrivateEndpoints, func(p *snapshot.PrivateEndpoints) bool { return p.Endpoint == e.Endpoint })
	sum.Endpoint = e.Endpoint
	sum.Kept++
	if e.BlockedUntil != nil {
		sum.Blocked++
	}
	sum.Waiting += e.Waiting
	sum.ByClass = plus(sum.ByClass, e.ByClass)
	counts := tally.Counts(sum.Counts)
	counts.Add(tally.Counts(e.Counts))
	sum.Counts = snapshot.Counts(counts)
}

// sumOf returns the sum that meant selects, adding a new one if there is none.
func sumOf[T any](sums *[]T, meant func(*T) bool) *T {
	for i := range *sums {
		if meant(&(*sums)[i]) {
			return &(*sums)[i]
		}
	}
	*sums = append(*sums, *new(T))
	return &(*sums)[len(*sums)-1]
}

// How many shared and how many private limits, and likewise endpoints, a [Snapshot]
// lists: the busiest. Busiest are those with most waiters, then those that are blocked
// or have the fewest free tokens, then those with most requests sent.
const (
	snapshotShared  = 1000 // several times the operations of a large API
	snapshotPrivate = 100
)

// listing selects the limits, or endpoints, that a snapshot lists.
type listing[T any] struct{ shared, private busiest[T] }

func newListing[T any](compare func(a, b T) int) *listing[T] {
	return &listing[T]{busiest[T]{limit: snapshotShared, compare: compare}, busiest[T]{limit: snapshotPrivate, compare: compare}}
}

func (l *listing[T]) add(v T, private bool) {
	if private {
		l.private.add(v)
	} else {
		l.shared.add(v)
	}
}

func (l *listing[T]) best() []T { return append(l.shared.best(), l.private.best()...) }

// busiest selects the first values in an order, and counts the rest.
type busiest[T any] struct {
	kept    []T
	limit   int
	omitted int
	worst   *T // values after it are omitted; nil: none is yet
	compare func(a, b T) int
}

func (k *busiest[T]) add(v T) {
	if k.worst != nil && k.compare(v, *k.worst) > 0 {
		k.omitted++
		return
	}
	k.kept = append(k.kept, v)
	if len(k.kept) == 4*k.limit {
		k.kept = k.best()
		worst := k.kept[k.limit-1]
		k.worst = &worst
	}
}

func (k *busiest[T]) best() []T {
	slices.SortFunc(k.kept, k.compare)
	kept := min(len(k.kept), k.limit)
	k.omitted += len(k.kept) - kept
	return append([]T{}, k.kept[:kept]...)
}

func busierLimit(a, b snapshot.Limit) int {
	return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(a.Free, b.Free), cmp.Compare(a.Key, b.Key))
}

func busierEndpoint(a, b snapshot.Endpoint) int {
	blocked := func(e snapshot.Endpoint) int {
		if e.BlockedUntil != nil {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(blocked(b), blocked(a)),
		cmp.Compare(b.Counts.Sent, a.Counts.Sent), cmp.Compare(a.Key, b.Key))
}

func (s *scheduler) limitSnapshotLocked(st *station, now time.Duration) snapshot.Limit {
	owned, window := st.window.Limit()
	free, inFlight := st.window.Free(now), st.window.InFlight()
	l := snapshot.Limit{
		Name: st.limit.Name, Key: st.limit.Key, Private: st.limit.Private, N: st.limit.N, Window: window,
		Owned: owned, Free: free, InFlight: inFlight, Returning: owned - free - inFlight,
		Waiting: st.waiting(), ByClass: classesOf(st),
	}
	if st.line != nil {
		next := s.epoch.Add(st.next(now))
		l.Next = &next
	}
	return l
}

func (s *scheduler) endpointSnapshotLocked(ep *endpoint, now time.Duration) snapshot.Endpoint {
	e := snapshot.Endpoint{
		Endpoint: ep.name, Key: ep.key, Private: ep.private,
		Waiting: ep.gate.waiting(), ByClass: classesOf(&ep.gate),
		Counts: snapshot.Counts{Sent: ep.sent},
	}
	if ep.block.Closed(now) {
		until := s.epoch.Add(ep.block.Until())
		e.BlockedUntil = &until
	}
	if st := ep.rate; st != nil {
		e.Waiting += st.waiting()
		e.ByClass = plus(e.ByClass, classesOf(st))
		e.Learned, e.Rate = st.rate.Learned(now), st.rate.PerSecond(now)
		e.Documented = st.limit.perSecond()
	}
	if n := ep.stats; n != nil {
		e.Counts = snapshot.Counts(n.Counts)
		e.Counts.Sent = ep.sent
		waits := n.waits.WithZeros(ep.sent - n.Waited)
		e.Waits = snapshot.Waits{P50: waits.Quantile(0.5), P90: waits.Quantile(0.9), P99: waits.Quantile(0.99), Max: waits.Max()}
	}
	return e
}

func (s *scheduler) historyLocked(now time.Duration) snapshot.History {
	h := snapshot.History{Slice: tally.SliceLength}
	for _, slice := range s.history.Slices(now) {
		h.Slices = append(h.Slices, snapshot.Slice{Start: s.epoch.Add(slice.Start), Wait: slice.Wait, Counts: snapshot.Counts(slice.Counts)})
	}
	return h
}

func classesOf(st *station) snapshot.Classes {
	if st.line == nil {
		return snapshot.Classes{}
	}
	of := func(p Priority) int { return st.line.LenOf(p.class()) }
	return snapshot.Classes{Interactive: of(Interactive), Normal: of(Normal), Batch: of(Batch)}
}

func plus(c, d snapshot.Classes) snapshot.Classes {
	return snapshot.Classes{Interactive: c.Interactive + d.Interactive, Normal: c.Normal + d.Normal, Batch: c.Batch + d.Batch}
}
