package transport

import (
	"cmp"
	"slices"
	"time"
)

// Snapshot describes a budget at one moment. It names keys by what the claims
// call them, which is never a secret.
type Snapshot struct {
	Time      time.Time          `json:"time"`
	Limits    []LimitSnapshot    `json:"limits"`
	Endpoints []EndpointSnapshot `json:"endpoints"`
}

// LimitSnapshot describes the bucket of one limit. Free, InFlight and Returning
// add up to N.
type LimitSnapshot struct {
	Name      string        `json:"name"`
	Key       string        `json:"key"`
	N         int           `json:"n"`
	Window    time.Duration `json:"window_ns"`
	Free      int           `json:"free"`      // tokens that can be taken at once
	InFlight  int           `json:"in_flight"` // tokens of requests without an answer
	Returning int           `json:"returning"` // spent tokens on their way back
	Waiting   int           `json:"waiting"`   // requests in line for a token
}

// EndpointSnapshot describes the gate and the learned rate of one endpoint.
type EndpointSnapshot struct {
	Endpoint     string     `json:"endpoint"`
	Key          string     `json:"key"`
	BlockedUntil *time.Time `json:"blocked_until,omitempty"` // nil: open
	Waiting      int        `json:"waiting"`                 // requests in line at the gate or for the learned rate
	Learned      bool       `json:"learned"`                 // a rate below the documented one holds
	Rate         float64    `json:"rate"`                    // requests per second that are let out; 0: no rate is kept
}

// Snapshot implements [Budget].
func (b *localBudget) Snapshot() Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	s := Snapshot{
		Time:      b.epoch.Add(now),
		Limits:    make([]LimitSnapshot, 0, b.windows.Len()),
		Endpoints: make([]EndpointSnapshot, 0, b.endpoints.Len()),
	}
	for key, st := range b.windows.All() {
		n, window := st.window.Limit()
		free, inFlight := st.window.Free(now), st.window.InFlight()
		s.Limits = append(s.Limits, LimitSnapshot{
			Name: st.limit.Name, Key: key, N: n, Window: window,
			Free: free, InFlight: inFlight, Returning: n - free - inFlight, Waiting: st.line.Len(),
		})
	}
	for key, ep := range b.endpoints.All() {
		e := EndpointSnapshot{Endpoint: ep.name, Key: key, Waiting: ep.gateStation.line.Len()}
		if !ep.gate.Ready(now) {
			until := b.epoch.Add(ep.gate.Until())
			e.BlockedUntil = &until
		}
		if ep.rate != nil {
			e.Waiting += ep.rateStation.line.Len()
			e.Learned, e.Rate = ep.rate.Learned(now), ep.rate.PerSecond(now)
		}
		s.Endpoints = append(s.Endpoints, e)
	}
	slices.SortFunc(s.Limits, func(a, b LimitSnapshot) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(s.Endpoints, func(a, b EndpointSnapshot) int { return cmp.Compare(a.Key, b.Key) })
	return s
}
