package statuspage

import (
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

func TestTextReadsWell(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct{ got, want string }{
		{num(0), "0"}, {num(999), "999"}, {num(1000), "1,000"}, {num(int64(1234567)), "1,234,567"}, {num(-100), "-100"}, {num(-1000), "-1,000"},
		{dur(-1), "0"}, {dur(0), "0"}, {dur(1), "<1 ms"}, {dur(84 * ms), "84 ms"}, {dur(999*ms + 600*time.Microsecond), "1 s"},
		{dur(1250 * ms), "1.2 s"}, {dur(10 * time.Second), "10 s"}, {dur(9960 * ms), "10 s"}, {dur(61 * time.Second), "1 min 01 s"}, {dur(time.Hour), "1 h"}, {dur(90 * time.Minute), "1 h 30 min"},
		{countdown(-1), "0.0 s"}, {countdown(0), "0.0 s"}, {countdown(1), "0.1 s"}, {countdown(6200 * ms), "6.2 s"}, {countdown(9901 * ms), "10 s"}, {countdown(10001 * ms), "11 s"},
		{countdown(59 * time.Second), "59 s"}, {countdown(60 * time.Second), "1 min 00 s"}, {countdown(72 * time.Second), "1 min 12 s"},
		{countdown(59001 * ms), "1 min 00 s"}, {countdown(3599 * time.Second), "59 min 59 s"}, {countdown(time.Hour), "1 h 00 min"}, {countdown(90*time.Minute + 1), "1 h 31 min"},
		{window(time.Hour), "hour"}, {window(time.Minute), "minute"}, {window(time.Second), "second"}, {window(10 * time.Second), "10 s"},
		{perSecond(100), "100"}, {perSecond(42.51), "42.5"}, {perSecond(0.0278), "0.03"}, {perSecond(1234.5), "1,235"}, {perSecond(9.99), "10"},
		{plural(1, "request waits", "requests wait"), "1 request waits"}, {plural(1000, "request waits", "requests wait"), "1,000 requests wait"},
		{string(name("PATCH /v1/users/{user_id}")), "<code>PATCH <wbr>/v1<wbr>/users<wbr>/{user_id}</code>"}, {string(name("<b>")), "<code>&lt;b&gt;</code>"},
		{place("production 3fa GET /v1/users", "GET /v1/users"), "production 3fa"},
		{place("production 3fa PATCH /v1/users/{user_id} user_2", "PATCH /v1/users/{user_id}"), "production 3fa user_2"},
		{place("instance", "instance"), ""}, {place("elsewhere", "instance"), "elsewhere"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestAxisEndsAtARoundNumber(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 1: 1, 1.1: 2, 3: 5, 6: 10, 10: 10, 101: 200, 999: 1000, 1000: 1000} {
		if got := ceil(v); got != want {
			t.Errorf("ceil(%v) is %v, want %v", v, got, want)
		}
	}
}

// TestChartFits: whatever the length of a slice, bars lie within the chart, and no
// request is lost.
func TestChartFits(t *testing.T) {
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, length := range []time.Duration{time.Second, 7 * time.Second, 10 * time.Second, time.Minute, time.Hour} {
		for _, n := range []int{1, 2, 59, 60, 61, 601} {
			h := snapshot.History{Slice: length}
			for i := range n {
				s := snapshot.Slice{Start: noon.Add(time.Duration(i) * length)}
				s.Sent, s.Waited, s.Throttled, s.Wait = 10, 4, 1, 4*time.Second
				h.Slices = append(h.Slices, s)
			}
			c := newChart(h)
			if want := min(n, max(1, int(chartSpan/length))); len(c.Rows) != want || len(c.Panels[0].Bars) != 2*want {
				t.Errorf("%d slices of %s: %d rows, want %d", n, length, len(c.Rows), want)
			}
			for _, p := range c.Panels {
				for _, b := range p.Bars {
					const bit = 1e-9
					if b.X < -bit || b.X+b.Width > 1+bit || b.Y < -bit || b.Y+b.Height > 1+bit || b.Width <= 0 || b.Height <= 0 {
						t.Fatalf("%d slices of %s: %s has a bar at %+v", n, length, p.ID, b)
					}
				}
			}
		}
	}
}
