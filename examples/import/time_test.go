package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/report"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/standin"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

// The whole import on the limit of a development instance, in virtual time, with
// the latency of a real network: no more than 3 % longer than it has to take.
func TestTwoThousandUsersTakeTheShortestPossibleTime(t *testing.T) {
	const users = 2000
	input := write(t, "users.csv", usersCSV(users))
	journal := t.TempDir() + "/journal"
	synctest.Test(t, func(t *testing.T) {
		server, clerk := standin.New(clerktest.WithLatency(clerktest.Lognormal(80*time.Millisecond, 0.5)))
		start := time.Now()
		status, out := run(t, server.RoundTripper(), "-journal", journal, "-quiet", input)
		took := time.Since(start)
		best := report.Shortest(users, flags.Limit{N: 100, Window: 10 * time.Second})
		t.Logf("%d users in %.2f s; the shortest possible time is %.0f s (%+.2f %%); %d answered 429",
			len(clerk.All), took.Seconds(), best.Seconds(), 100*(took.Seconds()/best.Seconds()-1), server.Stats().Rejected)
		if status != exitDone {
			t.Fatalf("exit status %d: %s", status, out)
		}
		if took > best+best*3/100 {
			t.Errorf("it took %s, more than 3 %% above %s", took, best)
		}
		if n := len(clerk.All); n != users {
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
		server, _ := standin.New()
		if status, out := run(t, server.RoundTripper(), "-headroom", "0.2", "-quiet", input); status != exitDone {
			t.Fatalf("exit status %d: %s", status, out)
		}
		if most := server.MaxInWindow(clerkthrottle.InstanceLimit); most != 80 {
			t.Errorf("%d requests in one window, want 80", most)
		}
	})
}
