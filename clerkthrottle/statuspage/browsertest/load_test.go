package browsertest

import (
	"math"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// source is a statuspage.Source.
type source func() snapshot.Snapshot

func (s source) Snapshot() snapshot.Snapshot { return s() }

const place = "production 3fa9c1d27b04 "

// load is a production instance on a busy morning: a nightly import is still running,
// another program shares the instance, and one endpoint has just been blocked.
func load(now time.Time) snapshot.Snapshot {
	s := snapshot.Snapshot{Time: now, History: busyHistory(now)}
	for _, l := range clerkthrottle.Limits(clerkthrottle.Production) {
		switch l.Name {
		case clerkthrottle.InstanceLimit:
			s.Limits = append(s.Limits, snapshot.Limit{Name: l.Name, Key: place + l.Name, N: l.N, Owned: l.N, Window: l.Window,
				InFlight: 84, Returning: 916, Waiting: 213, ByClass: snapshot.Classes{Interactive: 4, Normal: 31, Batch: 178}})
		case "POST /v1/invitations":
			s.Limits = append(s.Limits, snapshot.Limit{Name: l.Name, Key: place + l.Name, N: l.N, Owned: l.N, Window: l.Window,
				Free: 38, InFlight: 1, Returning: 61})
		case "PATCH /v1/users/{user_id}":
			s.Limits = append(s.Limits,
				snapshot.Limit{Name: l.Name, Key: place + l.Name + " user_2hBqX7", N: l.N, Owned: l.N, Window: l.Window,
					InFlight: 2, Returning: 8, Waiting: 5, ByClass: snapshot.Classes{Normal: 5}},
				snapshot.Limit{Name: l.Name, Key: place + l.Name + " user_2iC0aa", N: l.N, Owned: l.N, Window: l.Window, Free: 7, Returning: 3})
		case "PATCH /v1/organizations/{organization_id}":
			s.Limits = append(s.Limits, snapshot.Limit{Name: l.Name, Key: place + l.Name + " org_2c91LM", N: l.N, Owned: l.N, Window: l.Window, Free: 4, InFlight: 1, Returning: 5})
		}
	}
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	until := now.Add(6200 * time.Millisecond)
	s.Endpoints = []snapshot.Endpoint{
		{Endpoint: "GET /v1/users", Rate: 61.4, Documented: 100, Learned: true, BlockedUntil: &until, Waiting: 37, ByClass: snapshot.Classes{Interactive: 6, Normal: 31},
			Counts: snapshot.Counts{Sent: 28114, Waited: 9120, Refused: 12, Throttled: 9, Retried: 9}, Waits: snapshot.Waits{P50: 0, P90: ms(1800), P99: ms(6400), Max: ms(9700)}},
		{Endpoint: "PATCH /v1/users/{user_id}", Rate: 100, Documented: 100,
			Counts: snapshot.Counts{Sent: 12960, Waited: 7741}, Waits: snapshot.Waits{P50: ms(420), P90: ms(2600), P99: ms(8000), Max: ms(11200)}},
		{Endpoint: "GET /v1/organizations/{organization_id}/memberships", Rate: 83.5, Documented: 100, Learned: true,
			Counts: snapshot.Counts{Sent: 6204, Waited: 811, Throttled: 2, Retried: 2}, Waits: snapshot.Waits{P90: ms(310), P99: ms(2100), Max: ms(4000)}},
		{Endpoint: "POST /v1/users", Rate: 100, Documented: 100,
			Counts: snapshot.Counts{Sent: 3312, Waited: 1804}, Waits: snapshot.Waits{P50: ms(84), P90: ms(1900), P99: ms(5200), Max: ms(7100)}},
		{Endpoint: "GET /v1/users/{user_id}", Rate: 100, Documented: 100,
			Counts: snapshot.Counts{Sent: 2977, Waited: 402}, Waits: snapshot.Waits{P90: ms(120), P99: ms(1500), Max: ms(2600)}},
		{Endpoint: "POST /v1/organizations/{organization_id}/memberships", Rate: 100, Documented: 100,
			Counts: snapshot.Counts{Sent: 1190, Waited: 96, Retried: 1}, Waits: snapshot.Waits{P90: ms(40), P99: ms(900), Max: ms(1300)}},
		{Endpoint: "GET /v1/sessions/{session_id}", Rate: 100, Documented: 100, Counts: snapshot.Counts{Sent: 655, Waited: 31}, Waits: snapshot.Waits{P99: ms(600), Max: ms(800)}},
		{Endpoint: "POST /v1/invitations", Rate: 0.03, Documented: 0.0278, Counts: snapshot.Counts{Sent: 61}},
		{Endpoint: "GET /v1/jwks", Counts: snapshot.Counts{Sent: 12}},
	}
	for i := range s.Endpoints {
		s.Endpoints[i].Key = place + s.Endpoints[i].Endpoint
	}
	return s
}

// busyHistory is ten minutes in which load rises over the limit.
func busyHistory(now time.Time) snapshot.History {
	h := snapshot.History{Slice: 10 * time.Second}
	last := now.Truncate(h.Slice)
	for i := range 60 {
		x := float64(i)
		want := 420 + 9*x + 170*math.Sin(x/4.3) + 90*math.Sin(x*1.7)
		s := snapshot.Slice{Start: last.Add(time.Duration(i-59) * h.Slice)}
		s.Sent = int64(min(want, 1000-8*math.Abs(math.Sin(x))))
		if over := want - 700; over > 0 {
			s.Waited = int64(min(over*1.6, 0.8*float64(s.Sent)))
			s.Wait = time.Duration(float64(s.Waited)*over*5) * time.Millisecond
		}
		switch i {
		case 23, 41:
			s.Throttled = 2
		case 58:
			s.Throttled = 7
		}
		if i == 59 {
			s.Sent, s.Waited, s.Wait = s.Sent*6/10, s.Waited*6/10, s.Wait*6/10
		}
		h.Slices = append(h.Slices, s)
	}
	return h
}
