package transport

import "time"

// Snapshot describes a budget at one moment. It names keys by what the claims
// call them, which is never a secret.
type Snapshot struct {
	Time      time.Time          `json:"time"`
	Limits    []LimitSnapshot    `json:"limits"`
	Endpoints []EndpointSnapshot `json:"endpoints"`
	History   History            `json:"history"`
}

// Classes counts requests by class.
type Classes struct {
	Interactive int `json:"interactive"`
	Normal      int `json:"normal"`
	Batch       int `json:"batch"`
}

// Counts adds up what became of requests since the budget knows of them.
type Counts struct {
	Sent      int64 `json:"sent"`
	Waited    int64 `json:"waited"`    // of those sent, how many were held back before
	Refused   int64 `json:"refused"`   // not sent
	Throttled int64 `json:"throttled"` // answered 429
	Retried   int64 `json:"retried"`   // of those sent, how many repeat another
}

// Waits are quantiles of how long requests were held back, those that went at
// once included. They are rounded up, to no more than a quarter above the true
// value.
type Waits struct {
	P50 time.Duration `json:"p50_ns"`
	P90 time.Duration `json:"p90_ns"`
	P99 time.Duration `json:"p99_ns"`
	Max time.Duration `json:"max_ns"`
}

// History is the last ten minutes of the whole budget, in slices of equal
// length, the oldest first; the last one is still being filled.
type History struct {
	Slice  time.Duration  `json:"slice_ns"`
	Slices []HistorySlice `json:"slices"`
}

// HistorySlice is one slice of a [History].
type HistorySlice struct {
	Start time.Time     `json:"start"`
	Wait  time.Duration `json:"wait_ns"` // all waits of the slice together
	Counts
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
	ByClass   Classes       `json:"waiting_by_class"`
	Next      *time.Time    `json:"next,omitempty"` // when the first of the line can go; nil: nobody waits
}

// EndpointSnapshot describes the gate and the learned rate of one endpoint.
type EndpointSnapshot struct {
	Endpoint     string     `json:"endpoint"`
	Key          string     `json:"key"`
	BlockedUntil *time.Time `json:"blocked_until,omitempty"` // nil: open
	Waiting      int        `json:"waiting"`                 // requests in line at the gate or for the learned rate
	Learned      bool       `json:"learned"`                 // a rate below the documented one holds
	Rate         float64    `json:"rate"`                    // requests per second that are let out; 0: no rate is kept
	Documented   float64    `json:"documented_rate"`         // requests per second by the documented limit
	ByClass      Classes    `json:"waiting_by_class"`
	Counts       Counts     `json:"counts"`
	Waits        Waits      `json:"waits"`
}
