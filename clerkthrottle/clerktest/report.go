package clerktest

import (
	"maps"
	"slices"
	"time"
)

// Stats counts what a [Server] has seen since [New] or [Server.Reset].
type Stats struct {
	Sent         int // requests sent, whether they arrived or not
	Accepted     int // requests that had room on all limits
	Rejected     int // answered 429 because of a limit or a block
	Blocked      int // of the rejected, those because of a block
	Violations   int // requests sent despite a Retry-After, see [Server.Violations]
	Unauthorized int // answered 401 for lack of a secret key; counted on no limit
	Faults       int // requests with a fault, see [WithFault]
	// Endpoints has counts by endpoint, such as "GET /v1/users/{user_id}". Endpoints
	// beyond the first 1000 are counted as "other".
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
	Method   string    // in effect: PATCH for POST with ?_method=PATCH
	Endpoint string    // method and path template
	Instance string    // name of the instance, which does not reveal its key; "" on the Frontend API
	Address  string    // the client's
	Status   int       // of the answer
	// Accepted says that it had room on all limits, whatever Status a fault then gave
	// it. Other requests were rejected because of a limit or block (Status 429) or
	// had no secret key (401).
	Accepted bool
	// Blocked says that it was answered 429 because its endpoint was blocked.
	Blocked bool
	// Violation says that the client had been told to wait.
	Violation bool
	// Lost says that the answer did not reach the client, because of a fault or
	// because the request arrived after its context had ended, see
	// [WithLateArrivals].
	Lost bool
}

const (
	maxEndpoints  = 1000
	maxViolations = 1000
	// otherEndpoints counts the endpoints beyond maxEndpoints.
	otherEndpoints = "other"
)

type report struct {
	stats      Stats
	log        []Request // a ring once full
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

// lockSettled locks the server, brings it up to date, and returns the unlock
// function.
func (s *Server) lockSettled() (unlock func()) {
	s.mu.Lock()
	s.settleLocked(s.nowLocked())
	return s.mu.Unlock
}

// Stats returns a copy of the counts.
func (s *Server) Stats() Stats {
	defer s.lockSettled()()
	stats := s.report.stats
	stats.Endpoints = maps.Clone(stats.Endpoints)
	return stats
}

// Requests returns the latest [WithLogSize] requests that arrived, in order of
// arrival.
func (s *Server) Requests() []Request {
	defer s.lockSettled()()
	return slices.Concat(s.report.log[s.report.next:], s.report.log[:s.report.next])
}

// Violations returns the requests, up to 1000, that were sent despite a Retry-After:
// after the client had received a 429 for the endpoint, and so early that they
// arrived before that 429's Retry-After ended. A request that was in flight when the
// 429 came back, or was sent at that very instant, is not one: in a bubble without
// latency everything happens at one instant, and Stats.Blocked tells more. [Stats]
// counts all violations.
//
// Each result of [Server.RoundTripper] is a separate client. Over a socket, clients
// are told apart by address only, and have a tenth of a second to read the answer.
func (s *Server) Violations() []Request {
	defer s.lockSettled()()
	return slices.Clone(s.report.violations)
}

// MaxInWindow returns the largest number of requests that the row's limit accepted
// within any span of its Window, wherever that begins, for any one instance, resource
// or address. It does not depend on the server's algorithm: N is what a client should
// never exceed, although a server that counts in fixed windows would accept up to 2N.
// The name is that of the row's [clerkthrottle.Limit], such as
// [clerkthrottle.InstanceLimit]; MaxInWindow panics if there is no such row.
func (s *Server) MaxInWindow(name string) int {
	defer s.lockSettled()()
	most, known := 0, false
	for _, rows := range s.rows {
		for _, r := range rows {
			if r.Name == name {
				most, known = max(most, s.limiter.maxInWindow[r]), true
			}
		}
	}
	refuse(!known, "MaxInWindow(%q): no limit has that name", name)
	return most
}
