package statuspage

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

type endpoint = snapshot.Endpoint

// column is a column of the table of endpoints.
type column struct {
	ID, Title, Explains string

	up   bool // the first click sorts the smallest first
	hot  bool // a value above 0 is due to the limit: highlight it
	of   func(endpoint) float64
	text func(float64) string
}

var columns = []column{
	{"endpoint", "Endpoint", "the method and the path template", true, false, nil, nil},
	{"waiting", "Waiting", "requests queued at the gate or for the rate", false, true, func(e endpoint) float64 { return float64(e.Waiting) }, count},
	{"rate", "Rate/s", "requests per second allowed: the rate learned from 429s, of the documented one", true, false, rate, perSecond},
	{"sent", "Sent", "requests sent", false, false, func(e endpoint) float64 { return float64(e.Counts.Sent) }, count},
	{"waited", "Held", "of those sent, how many waited first", false, false, func(e endpoint) float64 { return float64(e.Counts.Waited) }, count},
	{"throttled", "429", "answered 429", false, true, func(e endpoint) float64 { return float64(e.Counts.Throttled) }, count},
	{"retried", "Retried", "of those sent, how many were retries", false, false, func(e endpoint) float64 { return float64(e.Counts.Retried) }, count},
	{"refused", "Refused", "not sent", false, true, func(e endpoint) float64 { return float64(e.Counts.Refused) }, count},
	{"p50", "Wait p50", "half of the requests waited at most this long", false, false, func(e endpoint) float64 { return float64(e.Waits.P50) }, length},
	{"p90", "p90", "90 % of the requests waited at most this long", false, false, func(e endpoint) float64 { return float64(e.Waits.P90) }, length},
	{"p99", "p99", "99 % of the requests waited at most this long", false, false, func(e endpoint) float64 { return float64(e.Waits.P99) }, length},
	{"max", "Max", "the longest wait", false, false, func(e endpoint) float64 { return float64(e.Waits.Max) }, length},
}

func count(v float64) string  { return num(int64(v)) }
func length(v float64) string { return dur(time.Duration(v)) }

// rate returns the rate in force, or 0 if the endpoint has none of its own.
func rate(e endpoint) float64 {
	if e.Rate > 0 {
		return e.Rate
	}
	return e.Documented
}

// Text returns the text of an endpoint's cell.
func (c column) Text(e endpoint) string { return c.text(c.of(e)) }

// Hot reports whether to highlight an endpoint's cell.
func (c column) Hot(e endpoint) bool {
	return c.hot && c.of(e) > 0 || c.ID == "rate" && e.Learned
}

// query selects and sorts the table's rows, as given in the page's URL.
type query struct {
	Filter  string
	Sort    string // a column's id; "": busy endpoints first
	Reverse bool   // opposite to the column's first order
	All     bool
}

func queryOf(v url.Values) query {
	q := query{fmt.Sprintf("%.100s", v.Get("filter")), v.Get("sort"), v.Has("reverse"), v.Has("all")}
	if q.column() == nil {
		q.Sort, q.Reverse = "", false
	}
	return q
}

func (q query) column() *column {
	if i := slices.IndexFunc(columns, func(c column) bool { return c.ID == q.Sort }); i >= 0 {
		return &columns[i]
	}
	return nil
}

// Up reports whether the smallest value comes first.
func (q query) Up() bool { return q.column().up != q.Reverse }

// Resorted returns the page's relative URL after a click on a column: sorted in its
// first order, then reversed, then unsorted again.
func (q query) Resorted(id string) string {
	switch {
	case q.Sort != id:
		q.Sort, q.Reverse = id, false
	case !q.Reverse:
		q.Reverse = true
	default:
		q.Sort, q.Reverse = "", false
	}
	return q.link()
}

// Toggled returns the page's relative URL with All switched.
func (q query) Toggled() string {
	q.All = !q.All
	return q.link()
}

func (q query) link() string {
	one := map[bool]string{true: "1"}
	v := url.Values{"filter": {q.Filter}, "sort": {q.Sort}, "reverse": {one[q.Reverse]}, "all": {one[q.All]}}
	maps.DeleteFunc(v, func(_ string, value []string) bool { return value[0] == "" })
	return "?" + v.Encode()
}

// matches reports whether the endpoint and its key contain every word of the filter.
func (q query) matches(e endpoint) bool {
	in := strings.ToLower(e.Endpoint + " " + e.Key)
	for word := range strings.FieldsSeq(strings.ToLower(q.Filter)) {
		if !strings.Contains(in, word) {
			return false
		}
	}
	return true
}

// order returns the comparison that sorts endpoints as the query asks. Equal ones
// keep the snapshot's order, which is by key.
func (q query) order(now time.Time) func(a, b endpoint) int {
	c := q.column()
	if c == nil {
		return func(a, b endpoint) int {
			return cmp.Or(cmp.Compare(busyness(b, now), busyness(a, now)), cmp.Compare(b.Counts.Sent, a.Counts.Sent))
		}
	}
	sign := -1
	if q.Up() {
		sign = 1
	}
	return func(a, b endpoint) int {
		if c.of == nil {
			return sign * strings.Compare(a.Endpoint, b.Endpoint)
		}
		return sign * cmp.Compare(c.of(a), c.of(b))
	}
}

// busyness ranks endpoints by what a reader should see first. It has few values, so
// that rows keep their places.
func busyness(e endpoint, now time.Time) int {
	switch {
	case blocked(e, now):
		return 3
	case e.Waiting > 0:
		return 2
	case e.Learned:
		return 1
	default:
		return 0
	}
}
