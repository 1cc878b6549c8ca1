package redisbudget

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Snapshot implements [transport.Budget]. It describes what this program uses,
// without asking Redis: the counts are the fleet's, as of this program's last
// call and with what it did since; those who wait are this program's. While Redis
// is away the counts are this program's share.
func (b *Budget) Snapshot() transport.Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	s := transport.Snapshot{
		Time:      b.epoch.Add(now),
		Limits:    make([]transport.LimitSnapshot, 0, b.limits.len()),
		Endpoints: make([]transport.EndpointSnapshot, 0, b.endpoints.len()),
	}
	waiting := map[any]*transport.Classes{}
	for _, ln := range b.active {
		var at any = ln.endpoint
		if ln.endpoint.gate.Ready(now) && len(ln.limits) > 0 {
			if holder := ln.holder(now); holder != nil {
				at = holder
			} else if !ln.endpoint.learned(now) {
				at = ln.limits[len(ln.limits)-1]
			}
		}
		if waiting[at] == nil {
			waiting[at] = &transport.Classes{}
		}
		*[]*int{&waiting[at].Interactive, &waiting[at].Normal, &waiting[at].Batch}[ln.class] += ln.queue.Len()
	}
	in := func(at any) (int, transport.Classes) {
		c := waiting[at]
		if c == nil {
			return 0, transport.Classes{}
		}
		return c.Interactive + c.Normal + c.Batch, *c
	}
	for key, l := range b.limits.all() {
		ls := l.snapshot(key, now, b.away)
		if ls.Waiting, ls.ByClass = in(l); ls.Waiting > 0 {
			next := b.epoch.Add(l.earliest(now, 0, b.away))
			ls.Next = &next
		}
		s.Limits = append(s.Limits, ls)
	}
	for key, ep := range b.endpoints.all() {
		e := transport.EndpointSnapshot{Endpoint: ep.name, Key: key}
		e.Waiting, e.ByClass = in(ep)
		if !ep.gate.Ready(now) {
			until := b.epoch.Add(ep.gate.Until())
			e.BlockedUntil = &until
		}
		if ep.rate != nil {
			e.Learned, e.Rate = ep.rate.Learned(now), ep.rate.PerSecond(now)
			e.Documented = float64(ep.limit.N) / ep.limit.Window.Seconds()
		}
		s.Endpoints = append(s.Endpoints, e)
	}
	slices.SortFunc(s.Limits, func(a, b transport.LimitSnapshot) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(s.Endpoints, func(a, b transport.EndpointSnapshot) int { return cmp.Compare(a.Key, b.Key) })
	return s
}

// snapshot describes one limit.
func (l *limit) snapshot(key string, now time.Duration, away bool) transport.LimitSnapshot {
	l.sweep(now)
	s := transport.LimitSnapshot{Name: l.Name, Key: key, N: l.N, Window: l.Window}
	if away || l.known == 0 {
		s.InFlight, s.Returning = l.inFlight, l.own.total
		if away {
			s.N = max(l.share, l.held())
		}
		s.Free = s.N - s.InFlight - s.Returning
		return s
	}
	s.InFlight = min(max(l.out-l.told+l.inFlight, 0), l.N)
	s.Free = min(max(l.free(), 0), l.N-s.InFlight)
	s.Returning = l.N - s.Free - s.InFlight
	return s
}

// Estimate implements [transport.EstimatingBudget], by what Redis said last.
func (b *Budget) Estimate(ctx context.Context, c *transport.Claim) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if ln, ok := b.lines.get(lineKey(c, classOf(transport.PriorityOf(ctx)))); ok {
		at, _ := b.earliestLocked(ln, now, ln.queue.Len())
		return at - now
	}
	at := now
	if ep, ok := b.endpoints.get(c.Key); ok {
		at = max(at, ep.gate.Until(), ep.paced(now, 0))
	}
	for i := range c.Limits {
		if lim, ok := b.limits.get(c.Limits[i].Key); ok {
			at = max(at, lim.earliest(now, 0, b.away))
		}
	}
	return at - now
}

// Status says whether a budget has its Redis.
type Status struct {
	Away   bool      `json:"away"`   // requests go on under this program's share, or are refused
	Since  time.Time `json:"since"`  // when that began; zero if Redis was never away
	Losses int       `json:"losses"` // how often Redis went away
	Err    error     `json:"-"`      // what Redis, or its client, said last; nil if not away
}

// Status tells whether Redis is there, for health checks and the like.
func (b *Budget) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Status{Away: b.away, Losses: b.losses, Err: b.awayErr}
	if b.since > 0 {
		s.Since = b.epoch.Add(b.since)
	}
	return s
}
