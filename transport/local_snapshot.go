package transport

import (
	"cmp"
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// Snapshot implements [Budget].
func (b *localBudget) Snapshot() Snapshot {
	b.mu.Lock()
	defer b.unlock()
	now := b.now()
	s := Snapshot{
		Time:      b.epoch.Add(now),
		Limits:    make([]LimitSnapshot, 0, b.windows.Len()),
		Endpoints: make([]EndpointSnapshot, 0, b.endpoints.Len()),
		History:   b.historyLocked(now),
	}
	for key, st := range b.windows.All() {
		n, window := st.window.Limit()
		free, inFlight := st.window.Free(now), st.window.InFlight()
		l := LimitSnapshot{
			Name: st.limit.Name, Key: key, N: n, Window: window,
			Free: free, InFlight: inFlight, Returning: n - free - inFlight,
			Waiting: st.waiting(), ByClass: classesOf(st),
		}
		if st.line != nil {
			next := b.epoch.Add(st.wakeTime(now))
			l.Next = &next
		}
		s.Limits = append(s.Limits, l)
	}
	for _, ep := range b.endpoints.All() {
		s.Endpoints = append(s.Endpoints, b.endpointSnapshotLocked(ep, now))
	}
	slices.SortFunc(s.Limits, func(a, b LimitSnapshot) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(s.Endpoints, func(a, b EndpointSnapshot) int { return cmp.Compare(a.Key, b.Key) })
	return s
}

func (b *localBudget) endpointSnapshotLocked(ep *endpoint, now time.Duration) EndpointSnapshot {
	e := EndpointSnapshot{
		Endpoint: ep.name, Key: ep.key,
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
		e.Documented = float64(p.limit.N) / p.limit.Window.Seconds()
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
