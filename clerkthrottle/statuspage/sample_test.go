package statuspage_test

import (
	"fmt"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// source is a Source whose snapshot a test sets.
type source func() snapshot.Snapshot

func (s source) Snapshot() snapshot.Snapshot { return s() }

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// sample is a small snapshot with an example of everything.
func sample(now time.Time) snapshot.Snapshot {
	const place = "development 3fa9c1d27b04 "
	until := now.Add(6200 * time.Millisecond)
	s := snapshot.Snapshot{
		Time: now,
		Limits: []snapshot.Limit{
			{Name: "PATCH /v1/users/{user_id}", Key: place + "PATCH /v1/users/{user_id} user_2a", N: 10, Window: 10 * time.Second, Free: 7, Returning: 3},
			{Name: "instance", Key: place + "instance", N: 1100, Window: 10 * time.Second, InFlight: 88, Returning: 1012,
				Waiting: 23, ByClass: snapshot.Classes{Interactive: 4, Normal: 18, Batch: 1}},
		},
		Endpoints: []snapshot.Endpoint{
			{Endpoint: "GET /v1/organizations", Key: place + "GET /v1/organizations", Rate: 110, Documented: 110,
				Counts: snapshot.Counts{Sent: 1234, Waited: 200}, Waits: snapshot.Waits{P50: 0, P90: 84 * time.Millisecond, P99: 1250 * time.Millisecond, Max: 2 * time.Second}},
			{Endpoint: "GET /v1/users", Key: place + "GET /v1/users", BlockedUntil: &until, Waiting: 7, ByClass: snapshot.Classes{Normal: 7},
				Learned: true, Rate: 42.5, Documented: 110, Counts: snapshot.Counts{Sent: 980, Waited: 310, Refused: 2, Throttled: 3, Retried: 3}},
		},
		History: snapshot.History{Slice: 10 * time.Second},
	}
	for i, l := range s.Limits {
		s.Limits[i].Owned = l.Free + l.InFlight + l.Returning
	}
	for i := range 60 {
		h := snapshot.Slice{Start: now.Add(time.Duration(i-60) * 10 * time.Second)}
		h.Sent, h.Waited = int64(30+i), int64(i/2)
		h.Wait = time.Duration(i) * 700 * time.Millisecond
		if i%20 == 19 {
			h.Throttled = 1
		}
		s.History.Slices = append(s.History.Slices, h)
	}
	return s
}

// many is a snapshot with n idle endpoints.
func many(n int) snapshot.Snapshot {
	s := snapshot.Snapshot{Time: noon}
	for i := range n {
		name := fmt.Sprintf("GET /v1/things_%03d", i)
		s.Endpoints = append(s.Endpoints, snapshot.Endpoint{Endpoint: name, Key: "p " + name, Counts: snapshot.Counts{Sent: int64(i)}})
	}
	return s
}
