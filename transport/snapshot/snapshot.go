// Package snapshot defines the state that a throttle shows: how full each limit is,
// which endpoints are blocked, how many requests wait, and how requests fared. The
// JSON names of the fields are as stable as their Go names.
package snapshot

import "time"

// Snapshot is the state of a throttle at one moment. It holds no secret. It lists the
// busiest thousand shared limits and as many endpoints. Of private ones, which count
// for one resource or one address, it lists the busiest hundred, and sums up all.
type Snapshot struct {
	Time      time.Time  `json:"time"`
	Limits    []Limit    `json:"limits"`
	Endpoints []Endpoint `json:"endpoints"`
	// Unlisted is how many shared limits and endpoints are left out.
	Unlisted int `json:"unlisted,omitempty"`
	// PrivateLimits and PrivateEndpoints sum up all private ones in memory, listed or
	// not, by name.
	PrivateLimits    []PrivateLimits    `json:"private_limits,omitempty"`
	PrivateEndpoints []PrivateEndpoints `json:"private_endpoints,omitempty"`
	History          History            `json:"history"`
	Retries          Retries            `json:"retries"`
	// Fleet is nil without a shared budget.
	Fleet *Fleet `json:"fleet,omitempty"`
}

// Fleet says whether the budget that several programs share is reachable.
type Fleet struct {
	Reached bool      `json:"reached"`
	Since   time.Time `json:"since"`           // when that last changed
	Error   string    `json:"error,omitempty"` // why it is unreachable
}

// Retries describes the budget for retries of failures.
type Retries struct {
	Left   int   `json:"left"`   // retries that it allows now
	Denied int64 `json:"denied"` // failures returned to their callers for lack of it
}

// PrivateLimits sums up the buckets of all private limits of one name.
type PrivateLimits struct {
	Name      string  `json:"name"`
	Kept      int     `json:"kept"`      // buckets in memory
	Exhausted int     `json:"exhausted"` // of those, how many have no free token
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
	Kept     int     `json:"kept"`    // endpoints in memory
	Blocked  int     `json:"blocked"` // of those, how many are blocked
	Waiting  int     `json:"waiting"`
	ByClass  Classes `json:"waiting_by_class"`
	Counts   Counts  `json:"counts"`
}

// Classes counts requests, or tokens, by class.
type Classes struct {
	Interactive int `json:"interactive"`
	Normal      int `json:"normal"`
	Batch       int `json:"batch"`
}

// Counts counts an endpoint's requests for as long as it has been in memory. A dry run
// sends those that would have waited or been refused, and counts them as both.
type Counts struct {
	Sent      int64 `json:"sent"`
	Waited    int64 `json:"waited"`    // of those sent, how many waited first
	Refused   int64 `json:"refused"`   // not sent
	Throttled int64 `json:"throttled"` // answered 429
	Retried   int64 `json:"retried"`   // of those sent, how many were retries
}

// Waits holds quantiles of how long requests waited, including those that did not.
// They are rounded up, by no more than a quarter of the true value.
type Waits struct {
	P50 time.Duration `json:"p50_ns"`
	P90 time.Duration `json:"p90_ns"`
	P99 time.Duration `json:"p99_ns"`
	Max time.Duration `json:"max_ns"`
}

// History is the last ten minutes of all requests, in slices of equal length, oldest
// first; the last one is still being filled.
type History struct {
	Slice  time.Duration `json:"slice_ns"`
	Slices []Slice       `json:"slices"`
}

// Slice is one slice of a [History].
type Slice struct {
	Start time.Time     `json:"start"`
	Wait  time.Duration `json:"wait_ns"` // sum of all waits in the slice
	Counts
}

// Limit describes the bucket of one limit. Free, InFlight and Returning add up to
// Owned. Free may be negative in a dry run, which sends regardless.
type Limit struct {
	Name      string        `json:"name"`
	Key       string        `json:"key"`
	Private   bool          `json:"private,omitempty"` // included in PrivateLimits
	N         int           `json:"n"`
	Window    time.Duration `json:"window_ns"`
	Owned     int           `json:"owned"`     // of the N tokens, this program's; fewer only with a Budget
	Free      int           `json:"free"`      // tokens that can be taken now
	InFlight  int           `json:"in_flight"` // tokens of requests in flight
	Returning int           `json:"returning"` // spent tokens, each free one window after its answer
	Waiting   int           `json:"waiting"`   // requests queued for a token
	ByClass   Classes       `json:"waiting_by_class"`
	Next      *time.Time    `json:"next,omitempty"` // when the first in the queue can go; nil: none waits
}

// Endpoint describes the gate and the learned rate of one endpoint.
type Endpoint struct {
	Endpoint     string     `json:"endpoint"`
	Key          string     `json:"key"`
	Private      bool       `json:"private,omitempty"`       // included in PrivateEndpoints
	BlockedUntil *time.Time `json:"blocked_until,omitempty"` // nil: open
	Waiting      int        `json:"waiting"`                 // requests queued at the gate or for the learned rate
	Learned      bool       `json:"learned"`                 // a rate below the documented one applies
	Rate         float64    `json:"rate"`                    // requests per second allowed; 0: no rate is learned here
	Documented   float64    `json:"documented_rate"`         // requests per second by the documented limit
	ByClass      Classes    `json:"waiting_by_class"`
	Counts       Counts     `json:"counts"`
	Waits        Waits      `json:"waits"`
}
