package clerktest

import (
	"maps"
	"slices"
	"time"
)

// Stats counts what a [Server] has seen since [New] or [Server.Reset].
type Stats struct {
	Sent         int // requests that were sent, arrived or not
	Accepted     int // counted on their limits and let through
	Rejected     int // answered 429 for a limit or a block
	Blocked      int // of the rejected, those that arrived during a block
	Violations   int // requests sent in spite of a Retry-After, see [Server.Violations]
	Unauthorized int // answered 401, no secret key; drew on no limit
	Faults       int // for which WithFault made something go wrong
	// Endpoints counts by endpoint: "GET /v1/users/{user_id}".
	Endpoints map[string]EndpointStats
}

// EndpointStats counts the requests to one endpoint.
type EndpointStats struct {
	Accepted int
	Rejected int
}

// Request is one request as it arrived.
type Request struct {
	Time     time.Time // of arrival
	Method   string    // as understood: PATCH for POST with ?_method=PATCH
	Endpoint string    // method and path template
	Instance string    // names the instance without giving its key away; "" on the Frontend API
	Address  string    // the client's
	Status   int       // of the answer
	// Accepted: counted on its limits and let through, whatever Status a fault
	// then gave it. What was not accepted was rejected by a limit or a block
	// (Status 429) or had no secret key (401).
	Accepted bool
	// Blocked: answered 429 because it arrived during its endpoint's block.
	Blocked bool
	// Violation: the client had been told to wait, and sent it all the same.
	Violation bool
	// Lost: the answer did not reach the client, by a fault or because the
	// request arrived after its context had ended, see [WithLateArrivals].
	Lost bool
}

const (
	maxEndpoints  = 1000
	maxViolations = 1000
	// otherEndpoints counts what arrives after maxEndpoints names are in use.
	otherEndpoints = "other"
)

type report struct {
	stats      Stats
	log        []Request // a ring once it is full
	next       int
	size       int
	violations []Request
}

func (r *report) add(q Request) {
	e := q.Endpoint
	if _, ok := r.stats.Endpoints[e]; !ok && len(r.stats.Endpoints) >= maxEndpoints {
		e = otherEndpoints
	}
	s := r.stats.Endpoints[e]
	switch {
	case q.Accepted:
		r.stats.Accepted++
		s.Accepted++
	case q.Status == 429:
		r.stats.Rejected++
		s.Rejected++
	default:
		r.stats.Unauthorized++
	}
	r.stats.Endpoints[e] = s
	if q.Blocked {
		r.stats.Blocked++
	}
	if q.Violation {
		r.stats.Violations++
		if len(r.violations) < maxViolations {
			r.violations = append(r.violations, q)
		}
	}
	switch {
	case len(r.log) < r.size:
		r.log = append(r.log, q)
	case r.size > 0:
		r.log[r.next] = q
		r.next = (r.next + 1) % r.size
	}
}

// settled locks the server, brings it up to date, and returns what unlocks it.
func (s *Server) settled() (unlock func()) {
	s.mu.Lock()
	s.settleLocked(s.nowLocked())
	return s.mu.Unlock
}

// Stats returns a snapshot of the counts.
func (s *Server) Stats() Stats {
	defer s.settled()()
	stats := s.report.stats
	stats.Endpoints = maps.Clone(stats.Endpoints)
	return stats
}

// Requests returns the requests that arrived, in the order of their arrival:
// the latest [WithLogSize] of them.
func (s *Server) Requests() []Request {
	defer s.settled()()
	return slices.Concat(s.report.log[s.report.next:], s.report.log[:s.report.next])
}

// Violations returns the requests, up to 1000, that were sent in spite of a
// Retry-After: after the client had received a 429 for the endpoint, and so
// early that it arrived before that 429's Retry-After had run out. A request
// that was on its way when the 429 came back, or was sent at that very instant,
// is not one: in a bubble without latency everything happens at one instant, and
// Stats.Blocked tells more. [Stats] counts all violations.
//
// Each result of [Server.RoundTripper] is a client of its own. Over a socket,
// clients are told apart by their address only, and a tenth of a second is
// granted for the answer to be read.
func (s *Server) Violations() []Request {
	defer s.settled()()
	return slices.Clone(s.report.violations)
}

// MaxInWindow returns the greatest number of requests that the row's limit
// accepted within any span of its Window, wherever that begins, for any one
// instance, resource or address. It is counted apart from the server's
// algorithm: N is what a client should never exceed, although a server that
// counts in fixed windows would accept up to 2N. The name is the row's
// [clerkthrottle.Limit] Name, for instance [clerkthrottle.InstanceLimit];
// MaxInWindow panics if there is no such row.
func (s *Server) MaxInWindow(name string) int {
	defer s.settled()()
	most, known := 0, false
	for _, rows := range s.rows {
		for _, r := range rows {
			if r.Name == name {
				most, known = max(most, s.limiter.most[r]), true
			}
		}
	}
	refuse(!known, "MaxInWindow(%q): no limit has that name", name)
	return most
}
