package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// The whole import on the limit of a development instance, in virtual time, with
// the latency of a real network: no more than 3 % longer than it has to take.
func TestTwoThousandUsersTakeTheShortestPossibleTime(t *testing.T) {
	const users = 2000
	input := write(t, "users.csv", usersCSV(users))
	journal := t.TempDir() + "/journal"
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New(clerktest.WithLatency(clerktest.Lognormal(80*time.Millisecond, 0.5)))
		start := time.Now()
		status, out := run(t, server.RoundTripper(), "-journal", journal, "-quiet", input)
		took := time.Since(start)
		best := shortest(users, 100, 10*time.Second)
		t.Logf("%d users in %.2f s; the shortest possible time is %.0f s (%+.2f %%); %d answered 429",
			created(server), took.Seconds(), best.Seconds(), 100*(took.Seconds()/best.Seconds()-1), server.Stats().Rejected)
		if status != exitDone {
			t.Fatalf("exit status %d: %s", status, out)
		}
		if took > best+best*3/100 {
			t.Errorf("it took %s, more than 3 %% above %s", took, best)
		}
		if n := created(server); n != users {
			t.Errorf("%d users were made", n)
		}
		if s := server.Stats(); s.Rejected != 0 || s.Sent != users {
			t.Errorf("%d requests, %d of them answered 429", s.Sent, s.Rejected)
		}
	})
}

// -headroom leaves its share of the limit to others.
func TestHeadroomLeavesItsShare(t *testing.T) {
	input := write(t, "users.csv", usersCSV(300))
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New()
		if status, out := run(t, server.RoundTripper(), "-headroom", "0.2", "-quiet", input); status != exitDone {
			t.Fatalf("exit status %d: %s", status, out)
		}
		if most := server.MaxInWindow(clerkthrottle.InstanceLimit); most != 80 {
			t.Errorf("%d requests in one window, want 80", most)
		}
	})
}

// A run that begins soon after another must not add its burst to the last one's.
func TestNextRunWaitsUntilClerkHasForgottenTheLast(t *testing.T) {
	input := write(t, "users.csv", usersCSV(90))
	more := write(t, "more.csv", usersCSV(180))
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New()
		for _, file := range []string{input, more} {
			if status, out := run(t, server.RoundTripper(), "-quiet", "-journal", input+".journal", file); status != exitDone {
				t.Fatalf("exit status %d: %s", status, out)
			}
		}
		if s := server.Stats(); s.Rejected != 0 || created(server) != 180 {
			t.Errorf("%d users made, %d requests answered 429", created(server), s.Rejected)
		}
	})
}
