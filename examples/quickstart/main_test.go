package main

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// 200 users live through the official SDK, in virtual time: twelve windows of a
// development instance.
func TestThrottledSDKMeetsNo429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New(clerktest.WithLatency(clerktest.Lognormal(50*time.Millisecond, 0.4)))
		client, err := clerkthrottle.NewClient(clerkthrottle.WithBase(server.RoundTripper()))
		if err != nil {
			t.Fatal(err)
		}
		const n = 200
		users := newUsers(client, realURL, "sk_test_quickstart")
		r := share("test", n, func(i int) (int, error) { return life(t.Context(), users, i) })
		stats := server.Stats()
		t.Logf("%d calls worked, %d failed; %d requests, %d of 429s, %s", r.worked, r.failed, stats.Sent, stats.Rejected, r.took)
		if r.failed > 0 || stats.Rejected > 0 || r.worked != n*callsPerUser {
			t.Errorf("%d calls failed, first: %v", r.failed, r.err)
		}
		// Twelve hundred requests at a hundred a window: the last go in the twelfth.
		if least := 110 * time.Second; r.took < least || r.took > least+5*time.Second {
			t.Errorf("took %s, the least possible is %s", r.took, least)
		}
	})
}

// That is what the throttle is for.
func TestPlainSDKFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New(clerktest.WithLatency(clerktest.Constant(latency)))
		users := newUsers(&http.Client{Transport: server.RoundTripper()}, realURL, "sk_test_quickstart")
		r := share("test", demoUsers, func(i int) (int, error) { return life(t.Context(), users, i) })
		if r.failed == 0 || server.Stats().Rejected == 0 {
			t.Errorf("%d calls failed, %d of 429s: nothing to show", r.failed, server.Stats().Rejected)
		}
	})
}
