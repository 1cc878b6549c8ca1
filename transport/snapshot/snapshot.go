// Package snapshot has the types of what a throttle shows of itself: how full each
// limit is, which endpoints are blocked, who waits, and what became of requests. The
// fields' JSON names are as stable as their Go names.
package snapshot

import "time"

// Snapshot describes a throttle at one moment. No key in it is a secret. The busiest
// thousand shared limits are listed, and as many endpoints; of what is private, which
// is counted for one resource or one address, the busiest hundred, and sums of all.
type Snapshot struct {
	Time      time.Time  `json:"time"`
	Limits    []Limit    `json:"limits"`
	Endpoints []Endpoint `json:"endpoints"`
	// Unlisted is how many shared limits and endpoints there are besides.
	Unlisted int `json:"unlisted,omitempty"`
	// PrivateLimits and PrivateEndpoints sum up all private ones that are kept,
	// listed or not, by name.
	PrivateLimits    []PrivateLimits    `json:"private_limits,omitempty"`
	PrivateEndpoints []PrivateEndpoints `json:"private_endpoints,omitempty"`
	History          History            `json:"history"`
	Retries          Retries            `json:"retries"`
	// Fleet is nil where all tokens are this program's own.
	Fleet *Fleet `json:"fleet,omitempty"`
}

// Fleet tells whether the budget that several programs share can be reached.
type Fleet struct {
	Reached bool      `json:"reached"`
	Since   time.Time `json:"since"`           // it has been so since then
	Error   string    `json:"error,omitempty"` // why it cannot be reached
}

// Retries describes the budget for retries of failures.
type Retries struct {
	Left   int   `json:"left"`   // how many it allows now
	Denied int64 `json:"denied"` // how many failures it has handed back to their callers
}

// PrivateLimits sums up the buckets of all private limits of one name.
type PrivateLimits struct {
	Name      string  `json:"name"`
	Kept      int     `json:"kept"`      // how many there are
	Exhausted int     `json:"exhausted"` // how many of them have no token that is free
	N         int     `json:"n"`
	Free      int     `json:"free"`
	InFlight  int     `json:"in_flight"`
	Returning int     `json:"returning"`
	Waiting   int     `json:"waiting"`
	ByClass   Classes `json:"waiting_by_class"`
}

// PrivateEndpoints sums up all private endpoints of one name.
type PrivateEndpoints struct {
	Endpoint string  `json:"endpoint"`
	Kept     int     `json:"kept"`    // how many there are
	Blocked  int     `json:"blocked"` // how many of them are blocked
	Waiting  int     `json:"waiting"`
	ByClass  Classes `json:"waiting_by_class"`
	Counts   Counts  `json:"counts"`
}

// Classes counts requests by class.
type Classes struct {
	Interactive int `json:"interactive"`
	Normal      int `json:"normal"`
	Batch       int `json:"batch"`
}

// Counts adds up what became of requests since the budget knows of the endpoint.
// A dry run sends those that would have waited, or been refused, and counts them
// as such as well.
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
	Slice  time.Duration `json:"slice_ns"`
	Slices []Slice       `json:"slices"`
}

// Slice is one slice of a [History].
type Slice struct {
	Start time.Time     `json:"start"`
	Wait  time.Duration `json:"wait_ns"` // all waits of the slice together
	Counts
}

// Limit describes the bucket of one limit. Free, InFlight and Returning
// add up to Owned; in a dry run, which holds nobody back, Free may be negative.
type Limit struct {
	Name      string        `json:"name"`
	Key       string        `json:"key"`
	Private   bool          `json:"private,omitempty"` // one of those that PrivateLimits sums up
	N         int           `json:"n"`
	Window    time.Duration `json:"window_ns"`
	Owned     int           `json:"owned"`     // of the N, those that are this program's: fewer only with a Budget
	Free      int           `json:"free"`      // tokens that can be taken at once
	InFlight  int           `json:"in_flight"` // tokens of requests without an answer
	Returning int           `json:"returning"` // spent tokens on their way back
	Waiting   int           `json:"waiting"`   // requests in line for a token
	ByClass   Classes       `json:"waiting_by_class"`
	Next      *time.Time    `json:"next,omitempty"` // when the first of the line can go; nil: nobody waits
}

// Endpoint describes the gate and the learned rate of one endpoint.
type Endpoint struct {
	Endpoint     string     `json:"endpoint"`
	Key          string     `json:"key"`
	Private      bool       `json:"private,omitempty"`       // one of those that PrivateEndpoints sums up
	BlockedUntil *time.Time `json:"blocked_until,omitempty"` // nil: open
	Waiting      int        `json:"waiting"`                 // requests in line at the gate or for the learned rate
	Learned      bool       `json:"learned"`                 // a rate below the documented one holds
	Rate         float64    `json:"rate"`                    // requests per second that are let out; 0: no rate is kept
	Documented   float64    `json:"documented_rate"`         // requests per second by the documented limit
	ByClass      Classes    `json:"waiting_by_class"`
	Counts       Counts     `json:"counts"`
	Waits        Waits      `json:"waits"`
}
