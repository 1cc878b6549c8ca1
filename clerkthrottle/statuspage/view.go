package statuspage

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// view is a snapshot put into words and shares: everything that the templates
// print. It is the same for the page as it is first sent and for every event of
// its stream, so that both say the same.
type view struct {
	Title    string
	Interval time.Duration

	Now   time.Time
	Clock string // the time of day, with its zone
	Place string // what all keys have in common
	Empty bool   // no request has been seen yet

	Answer   string // is the limit the reason?
	Headline sentence
	Also     []sentence // what else holds requests
	Recent   string     // the last ten minutes in a line
	Announce string     // the state without numbers, for screen readers

	Blocks     []block
	MoreBlocks int
	Gauges     []gauge
	MoreGauges int
	Chart      *chart
	Table      *table
}

func newView(s transport.Snapshot, q query, c *config) *view {
	place := commonPlace(s)
	v := &view{
		Title:    c.title,
		Interval: c.interval,
		Now:      s.Time,
		Clock:    s.Time.Format("15:04:05 MST"),
		Place:    place,
		Empty:    len(s.Limits) == 0 && len(s.Endpoints) == 0 && len(s.History.Slices) == 0,
		Chart:    newChart(s.History),
		Table:    newTable(s, q, place),
	}
	v.Blocks, v.MoreBlocks = newBlocks(s, place)
	v.Gauges, v.MoreGauges = newGauges(s, place, q.all)
	v.answer(s)
	return v
}
