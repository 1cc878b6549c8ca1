package statuspage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// view is the data of the templates: a snapshot, the reader's query, and what follows
// from both.
type view struct {
	snapshot.Snapshot // with Limits and Endpoints cut to those shown, in order
	query
	Title    string
	Interval time.Duration

	Place       string // words that all keys have in common
	Empty       bool   // no request has been seen yet
	Causes      []cause
	Minute, Ten snapshot.Counts // of the last minute, and of the last ten
	Blocks      []endpoint
	Chart       *chart
	Columns     []column

	MoreBlocks, MoreLimits, MoreEndpoints int // not shown
	Found, Total                          int // endpoints that match the filter, and all
}

func newView(s snapshot.Snapshot, q query, h *handler) *view {
	v := &view{
		Snapshot: s,
		query:    q,
		Title:    h.title,
		Interval: h.interval,
		Place:    commonPlace(s),
		Empty:    len(s.Limits) == 0 && len(s.Endpoints) == 0 && len(s.History.Slices) == 0,
		Causes:   causes(s),
		Minute:   total(s.History, s.Time.Add(-time.Minute)),
		Ten:      total(s.History, s.Time.Add(-chartSpan)),
		Chart:    newChart(s.History),
		Columns:  columns,
		Total:    len(s.Endpoints),
	}
	// Show the busiest only; if the reader asks for all, no more than anyone reads.
	// snapshot.json has more.
	limits, endpoints := 7, 15
	if q.All {
		limits = 200
	}
	if q.All || q.Filter != "" {
		endpoints = 300
	}
	v.Limits, v.MoreLimits = first(limits, slices.SortedStableFunc(slices.Values(s.Limits), busierLimit))

	blocks := slices.DeleteFunc(slices.Clone(s.Endpoints), func(e endpoint) bool { return !blocked(e, s.Time) })
	slices.SortStableFunc(blocks, func(a, b endpoint) int { return b.BlockedUntil.Compare(*a.BlockedUntil) })
	v.Blocks, v.MoreBlocks = first(12, blocks)

	found := slices.DeleteFunc(slices.Clone(s.Endpoints), func(e endpoint) bool { return !q.matches(e) })
	slices.SortStableFunc(found, q.order(s.Time))
	v.Found = len(found)
	v.Endpoints, v.MoreEndpoints = first(endpoints, found)
	return v
}

func first[T any](n int, list []T) (shown []T, more int) {
	shown = list[:min(n, len(list))]
	return shown, len(list) - len(shown)
}

// busierLimit sorts busy limits first. It compares what changes seldom, so that
// gauges keep their places.
func busierLimit(a, b snapshot.Limit) int {
	sign := func(n int) int { return cmp.Compare(n, 0) }
	return cmp.Or(
		cmp.Compare(sign(b.Waiting), sign(a.Waiting)),
		cmp.Compare(sign(b.N-b.Free), sign(a.N-a.Free)),
		cmp.Compare(b.N, a.N),
		strings.Compare(a.Key, b.Key),
	)
}

// Blocked reports whether a 429 blocks an endpoint.
func (v *view) Blocked(e endpoint) bool { return blocked(e, v.Time) }

func blocked(e endpoint, now time.Time) bool {
	return e.BlockedUntil != nil && e.BlockedUntil.After(now)
}

// moment is the end of a wait, shown as a countdown.
type moment struct {
	At   time.Time
	Left time.Duration // at the snapshot's time
}

// Until returns t as a moment; nil is the zero moment.
func (v *view) Until(t *time.Time) moment { return until(t, v.Time) }

func until(t *time.Time, now time.Time) moment {
	if t == nil {
		return moment{}
	}
	return moment{*t, t.Sub(now)}
}

// Whose returns what a key says of its owner, without the words that all keys have in
// common.
func (v *view) Whose(key, name string) string {
	return strings.TrimSpace(strings.TrimPrefix(place(key, name), v.Place))
}

// place returns a key without the name in it, such as "production 3fa9c1d27b04
// user_2a".
func place(key, name string) string {
	return strings.TrimSpace(strings.Replace(" "+key+" ", " "+name+" ", " ", 1))
}

// commonPlace returns the words with which all places of a snapshot begin. The page
// shows them once, at the top.
func commonPlace(s snapshot.Snapshot) string {
	var places []string
	for _, l := range s.Limits {
		places = append(places, place(l.Key, l.Name)+" ")
	}
	for _, e := range s.Endpoints {
		places = append(places, place(e.Key, e.Endpoint)+" ")
	}
	if len(places) == 0 {
		return ""
	}
	common := places[0]
	for _, p := range places {
		for !strings.HasPrefix(p, common) {
			common = common[:strings.LastIndexByte(common[:len(common)-1], ' ')+1]
		}
	}
	return strings.TrimSpace(common)
}
