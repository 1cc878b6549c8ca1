package report

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

// The line says how far it is, how long it will take, by the limit and
// by what others leave of it, and what it waits for. The estimate moves.
func TestLineSaysHowLongAndWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := time.Time{}
		p := &Progress{Users: 1100, Requests: 1100, Limit: flags.Limit{N: 100, Window: 10 * time.Second}, Waiting: func() (string, time.Time) {
			if !blocked.IsZero() {
				return "blocked by Clerk", blocked
			}
			return "waiting for the limit", blocked
		}}
		for range 100 {
			p.Before(1)
		}
		defer p.Show()()
		wants := func(want string) {
			t.Helper()
			if got := p.Line(time.Now()); got != want {
				t.Errorf("\n%q\n%q", got, want)
			}
		}
		leave := func(n int) {
			for range n {
				p.Sent(time.Second)
				p.Settled(true)
			}
		}
		wants("[##                      ] 100/1100 users  1m30s left  waiting for the limit")
		time.Sleep(time.Second)
		leave(100) // the first burst
		wants("[###               ] 200/1100 users  100.0/s  1m30s left  waiting for the limit")
		time.Sleep(4 * time.Second)
		wants("[###                ] 200/1100 users  20.0/s  1m26s left  waiting for the limit")
		for range 5 {
			time.Sleep(10 * time.Second)
			leave(50) // half the limit: others have the rest
		}
		wants("[########            ] 450/1100 users  6.4/s  1m23s left  waiting for the limit")
		time.Sleep(10 * time.Second)
		wants("[########            ] 450/1100 users  5.4/s  1m13s left  waiting for the limit")
		blocked = time.Now().Add(10 * time.Minute)
		wants("[#####        ] 450/1100 users  5.4/s  10m0s left  blocked by Clerk, 10m0s more")
	})
}

// Whatever the numbers, the line fits a terminal of 80 columns.
func TestLineFits80Columns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, users := range []int{1, 250, 2000, 1_000_000, 1_000_000_000} {
			for _, what := range []string{"", "waiting for the limit", "no clear answer, trying again", "blocked by Clerk"} {
				var out bytes.Buffer
				p := &Progress{Out: &out, Terminal: true, Users: users, Requests: 2 * users, Limit: flags.Limit{N: 100, Window: 10 * time.Second},
					Waiting: func() (string, time.Time) { return what, time.Now().Add(23*time.Hour + 59*time.Minute) }}
				finish := p.Show()
				for range 50 {
					time.Sleep(time.Second)
					p.Sent(time.Second)
					p.Settled(true)
				}
				finish()
				for line := range strings.SplitSeq(out.String(), "\r") {
					if len(line) > 79 {
						t.Fatalf("%d columns: %q", len(line), line)
					}
				}
				if strings.Contains(out.String(), "\n") || !strings.Contains(out.String(), "users") {
					t.Fatalf("%q", out.String())
				}
			}
		}
	})
}
