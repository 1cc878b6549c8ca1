package redisbudget

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Observe implements [transport.ObservableBudget]: the observer is told of
// blocks, those that other programs met included, and of rates learned here.
func (b *Budget) Observe(o *transport.Observer) {
	b.mu.Lock()
	defer b.unlock()
	b.observers = append(b.observers, o)
}

// unlock lets go of the lock and tells the observers what happened under it.
func (b *Budget) unlock() {
	events := b.events
	b.events = nil
	b.mu.Unlock()
	for _, tell := range events {
		tell()
	}
}

// gateClosedLocked is called when an endpoint's gate has closed, or stays closed
// for longer: those who may not wait so long are told, and the observers.
func (b *Budget) gateClosedLocked(ep *endpoint, now time.Duration) {
	for _, ln := range b.active {
		if ln.endpoint == ep {
			for node := ln.queue.Front(); node != nil; node = node.Next() {
				node.Value.looked = false
			}
			b.lookLocked(ln, now)
		}
	}
	until := ep.gate.Until()
	if len(b.observers) == 0 || until <= now {
		return
	}
	e := transport.BlockEvent{Endpoint: ep.name, Key: ep.key, Until: b.epoch.Add(until), For: until - now}
	for _, o := range b.observers {
		if o.Blocked != nil {
			b.events = append(b.events, func() { o.Blocked(e) })
		}
	}
	switch {
	case b.closed:
	case ep.reopen == nil:
		ep.reopen = time.AfterFunc(until-now, func() { b.reopened(ep) })
	default:
		ep.reopen.Reset(until - now)
	}
}

// reopened is what the timer of a closed gate does.
func (b *Budget) reopened(ep *endpoint) {
	b.mu.Lock()
	defer b.unlock()
	if b.closed || !ep.gate.Ready(b.now()) {
		return // closed for longer since: the timer has been set anew
	}
	e := transport.BlockEvent{Endpoint: ep.name, Key: ep.key, Until: b.epoch.Add(ep.gate.Until())}
	for _, o := range b.observers {
		if o.Unblocked != nil {
			b.events = append(b.events, func() { o.Unblocked(e) })
		}
	}
}

// throttledLocked learns from a 429, and tells the observers what.
func (b *Budget) throttledLocked(ep *endpoint, now, sent time.Duration) {
	if ep.throttled(now, sent, b.alone()) {
		b.rateLocked(ep, now)
	}
}

// rateLocked tells the observers of an endpoint's rate.
func (b *Budget) rateLocked(ep *endpoint, now time.Duration) {
	e := transport.RateEvent{
		Endpoint: ep.name, Key: ep.key, Learned: ep.learned(now),
		Rate: ep.rate.PerSecond(now), Documented: float64(ep.limit.N) / ep.limit.Window.Seconds(),
	}
	for _, o := range b.observers {
		if o.RateChanged != nil {
			b.events = append(b.events, func() { o.RateChanged(e) })
		}
	}
}

var (
	_ transport.ObservableBudget = (*Budget)(nil)
	_ transport.EstimatingBudget = (*Budget)(nil)
)
