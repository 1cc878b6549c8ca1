package statuspage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

const (
	fewRows  = 15
	manyRows = 300 // path templates are fewer; visitors' addresses may be more
)

// column is one of the table of endpoints.
type column struct {
	id, title, explains string
	up                  bool // sorted the smallest first, at first
	compare             func(a, b transport.EndpointSnapshot) int
	text                func(e transport.EndpointSnapshot) string
}

type endpoint = transport.EndpointSnapshot

var columns = []column{
	{"endpoint", "Endpoint", "the method and the path template", true,
		func(a, b endpoint) int { return strings.Compare(a.Endpoint, b.Endpoint) }, nil},
	{"waiting", "Waiting", "requests in line at the gate or for the rate", false,
		func(a, b endpoint) int { return cmp.Compare(a.Waiting, b.Waiting) },
		func(e endpoint) string { return num(e.Waiting) }},
	{"rate", "Rate/s", "requests a second let out: learned from 429s, of the documented rate", true,
		func(a, b endpoint) int { return cmp.Compare(rateOf(a), rateOf(b)) }, rateText},
	count("sent", "Sent", "requests sent", func(c transport.Counts) int64 { return c.Sent }),
	count("waited", "Held", "of those sent, held back before", func(c transport.Counts) int64 { return c.Waited }),
	count("throttled", "429", "answered 429", func(c transport.Counts) int64 { return c.Throttled }),
	count("retried", "Retried", "of those sent, repeats of another", func(c transport.Counts) int64 { return c.Retried }),
	count("refused", "Refused", "not sent", func(c transport.Counts) int64 { return c.Refused }),
	wait("p50", "Wait p50", "half of the requests waited no longer", func(w transport.Waits) time.Duration { return w.P50 }),
	wait("p90", "p90", "nine of ten requests waited no longer", func(w transport.Waits) time.Duration { return w.P90 }),
	wait("p99", "p99", "99 of 100 requests waited no longer", func(w transport.Waits) time.Duration { return w.P99 }),
	wait("max", "Max", "the longest wait", func(w transport.Waits) time.Duration { return w.Max }),
}

func count(id, title, explains string, of func(transport.Counts) int64) column {
	return column{id, title, explains, false,
		func(a, b endpoint) int { return cmp.Compare(of(a.Counts), of(b.Counts)) },
		func(e endpoint) string { return num(of(e.Counts)) }}
}

func wait(id, title, explains string, of func(transport.Waits) time.Duration) column {
	return column{id, title, explains, false,
		func(a, b endpoint) int { return cmp.Compare(of(a.Waits), of(b.Waits)) },
		func(e endpoint) string { return dur(of(e.Waits)) }}
}

// columnOf returns the column of an id, or nil.
func columnOf(id string) *column {
	for i := range columns {
		if columns[i].id == id {
			return &columns[i]
		}
	}
	return nil
}

// table is the endpoints that the reader asked for.
type table struct {
	Heads  []head
	Rows   []row
	Filter string
	Sort   string
	Up     bool
	All    bool
	Found  int    // endpoints that the filter lets through
	Total  int    // endpoints
	More   int    // found, but not shown
	Toggle string // the address of the table with, or without, the idle ones
}

type head struct {
	ID, Title, Explains string
	Link                string
	AriaSort            string // "ascending", "descending" or ""
}

type row struct {
	Key, Endpoint, Place string
	Blocked              bool
	Learned              bool
	RateShare            float64 // of the documented rate
	Cells                []cell
}

type cell struct {
	ID, Label, Text, Note string
	Zero, Hot             bool
}

func newTable(s transport.Snapshot, q query, common string) *table {
	t := &table{Filter: q.filter, Sort: q.sort, Up: q.up, All: q.all, Total: len(s.Endpoints)}
	found := make([]endpoint, 0, len(s.Endpoints))
	for _, e := range s.Endpoints {
		if matches(e, q.filter) {
			found = append(found, e)
		}
	}
	t.Found = len(found)
	slices.SortStableFunc(found, q.order(s.Time))
	most := fewRows
	if q.all || q.filter != "" {
		most = manyRows
	}
	t.More = max(0, len(found)-most)
	for _, e := range found[:len(found)-t.More] {
		t.Rows = append(t.Rows, newRow(e, s.Time, common))
	}
	for i := range columns {
		t.Heads = append(t.Heads, newHead(&columns[i], q))
	}
	q.all = !q.all
	t.Toggle = q.link()
	return t
}

// matches reports whether an endpoint or its key holds every word of the filter.
func matches(e endpoint, filter string) bool {
	in := strings.ToLower(e.Endpoint + " " + e.Key)
	for _, word := range strings.Fields(strings.ToLower(filter)) {
		if !strings.Contains(in, word) {
			return false
		}
	}
	return true
}

// order compares endpoints as the query asks. Endpoints that are equal keep the
// snapshot's order, which is by key.
func (q query) order(now time.Time) func(a, b endpoint) int {
	c := columnOf(q.sort)
	switch {
	case c == nil:
		return func(a, b endpoint) int {
			return cmp.Or(cmp.Compare(busyness(b, now), busyness(a, now)), cmp.Compare(b.Counts.Sent, a.Counts.Sent))
		}
	case q.up:
		return c.compare
	default:
		return func(a, b endpoint) int { return c.compare(b, a) }
	}
}

// busyness ranks what a reader should see first. It has few values, so that
// rows keep their place.
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

func newHead(c *column, q query) head {
	h := head{ID: c.id, Title: c.title, Explains: c.explains, Link: q.sortedBy(c).link()}
	if q.sort == c.id {
		h.AriaSort = "descending"
		if q.up {
			h.AriaSort = "ascending"
		}
	}
	return h
}

func newRow(e endpoint, now time.Time, common string) row {
	r := row{
		Key:       e.Key,
		Endpoint:  e.Endpoint,
		Place:     within(placeOf(e.Key, e.Endpoint), common),
		Blocked:   blocked(e, now),
		Learned:   e.Learned,
		RateShare: rateShare(e),
	}
	for _, c := range columns[1:] {
		cell := cell{ID: c.id, Label: c.title, Text: c.text(e)}
		cell.Zero = cell.Text == "0"
		switch c.id {
		case "waiting":
			cell.Hot, cell.Note = e.Waiting > 0, classesText(e.ByClass)
		case "rate":
			cell.Hot = e.Learned
			if e.Learned && e.Documented > 0 {
				cell.Note = "of " + perSecond(e.Documented)
			}
		case "throttled":
			cell.Hot = e.Counts.Throttled > 0
		case "refused":
			cell.Hot = e.Counts.Refused > 0
		}
		r.Cells = append(r.Cells, cell)
	}
	return r
}

// rateOf is the rate that holds, 0 where an endpoint has none of its own.
func rateOf(e endpoint) float64 {
	if e.Rate > 0 {
		return e.Rate
	}
	return e.Documented
}

func rateText(e endpoint) string {
	if r := rateOf(e); r > 0 {
		return perSecond(r)
	}
	return "–"
}

// rateShare is the rate as a share of the documented one.
func rateShare(e endpoint) float64 {
	if e.Documented <= 0 || e.Rate <= 0 {
		return 1
	}
	return share(e.Rate / e.Documented)
}
