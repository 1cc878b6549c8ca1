package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/standin"
)

// Five hundred users by this program and by the schedule of Clerk's migration
// tool (clerk/migration-tool, src/migrate/import-users.ts, read in November
// 2026), side by side on the limit of a development instance, in virtual time:
// what README.md quotes.
//
//	go test ./examples/import -run MigrationTool -v
func TestBesideMigrationTool(t *testing.T) {
	const users = 500
	input := write(t, "users.csv", usersCSV(users))
	for _, algorithm := range []clerktest.Algorithm{clerktest.SlidingLog, clerktest.FixedWindow, clerktest.TokenBucket} {
		for _, program := range []struct {
			name string
			run  func(t *testing.T, clerk http.RoundTripper)
		}{
			{"import", func(t *testing.T, clerk http.RoundTripper) {
				if status, out := run(t, clerk, "-quiet", input); status != exitDone {
					t.Errorf("exit status %d:\n%s", status, out)
				}
			}},
			{"migration-tool", func(_ *testing.T, clerk http.RoundTripper) { migrationTool(clerk, users) }},
		} {
			synctest.Test(t, func(t *testing.T) {
				if program.name == "import" {
					input = write(t, "users.csv", usersCSV(users)) // without a journal
				}
				server, clerk := standin.New(clerktest.WithAlgorithm(algorithm), clerktest.WithLatency(clerktest.Lognormal(80*time.Millisecond, 0.5)))
				start := time.Now()
				program.run(t, server.RoundTripper())
				s := server.Stats()
				t.Logf("%-14s %-12v %d of %d users in %5.1f s, %3d requests answered 429", program.name, algorithm, len(clerk.All), users, time.Since(start).Seconds(), s.Rejected)
				if program.name == "import" && (s.Rejected > 0 || len(clerk.All) != users) {
					t.Errorf("%d users made, %d requests answered 429", len(clerk.All), s.Rejected)
				}
			})
		}
	}
}

// migrationTool sends as the tool does: at most 95 % of the requests of a second
// at once, one every tenth of a second, and after a 429 the same user again after
// the time that it names, five times.
func migrationTool(clerk http.RoundTripper, users int) {
	const rate, retries = 10, 5
	places := make(chan struct{}, rate*95/100)
	var mu sync.Mutex
	var next time.Time
	send := func(i int) int {
		places <- struct{}{}
		defer func() { <-places }()
		mu.Lock()
		now := time.Now()
		if next.Before(now) {
			next = now
		}
		wait := next.Sub(now)
		next = next.Add(time.Second / rate)
		mu.Unlock()
		time.Sleep(wait)
		req, _ := http.NewRequest(http.MethodPost, "https://api.clerk.com/v1/users", strings.NewReader(`{"external_id":"u`+strings.Repeat("i", i)+`"}`))
		req.Header.Set("Authorization", "Bearer "+testKey)
		resp, err := clerk.RoundTrip(req)
		if err != nil {
			return 0
		}
		return resp.StatusCode
	}
	var all sync.WaitGroup
	for i := range users {
		all.Go(func() {
			for attempt := 0; send(i) == http.StatusTooManyRequests && attempt < retries; attempt++ {
				// It looks for the time in the error's meta, where Clerk's 429 has
				// none, and otherwise waits its RETRY_DELAY_MS.
				time.Sleep(10 * time.Second)
			}
		})
	}
	all.Wait()
}
