package bench

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// BenchmarkLateness measures how long after its token is due a waiting request goes,
// and, in turns, how late a bare timer is.
func BenchmarkLateness(b *testing.B) {
	const window = 3 * time.Millisecond
	var sent time.Time
	limit := transport.Limit{Name: "one", Key: "one", N: 1, Window: window}
	claim := &transport.Claim{Endpoint: "GET /", Key: "GET /", Limits: []transport.Limit{limit}, Rate: limit}
	rt, err := transport.New(transport.Config{
		Classify: func(*http.Request) *transport.Claim { return claim },
		Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			sent = time.Now()
			return noop{}.RoundTrip(r)
		}),
	})
	if err != nil {
		b.Fatal(err)
	}
	req := microRequest(b)
	var ours, bare []time.Duration
	for range b.N {
		if _, err := rt.RoundTrip(req); err != nil { // spends the token
			b.Fatal(err)
		}
		due := time.Now().Add(window) // or an instant before
		if _, err := rt.RoundTrip(req); err != nil {
			b.Fatal(err)
		}
		ours = append(ours, sent.Sub(due))

		due = time.Now().Add(2 * window)
		<-time.NewTimer(2 * window).C
		bare = append(bare, time.Since(due))
	}
	report := func(all []time.Duration, name string) {
		slices.Sort(all)
		b.ReportMetric(all[len(all)/2].Seconds()*1e3, name+"-p50-ms")
		b.ReportMetric(all[len(all)*99/100].Seconds()*1e3, name+"-p99-ms")
	}
	b.ReportMetric(0, "ns/op") // it would be the window
	report(ours, "wait")
	report(bare, "timer")
}
