package transport

import "github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"

// Snapshot is the state of a throttle at one moment; see package snapshot.
type Snapshot = snapshot.Snapshot

// Classes counts requests, or tokens, by class.
type Classes = snapshot.Classes

// moved
type (
	LimitSnapshot    = snapshot.Limit
	EndpointSnapshot = snapshot.Endpoint
	FleetSnapshot    = snapshot.Fleet
	Retries          = snapshot.Retries
	PrivateLimits    = snapshot.PrivateLimits
	PrivateEndpoints = snapshot.PrivateEndpoints
	Counts           = snapshot.Counts
	Waits            = snapshot.Waits
	History          = snapshot.History
	HistorySlice     = snapshot.Slice
)
