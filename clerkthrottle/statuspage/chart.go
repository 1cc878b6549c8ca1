package statuspage

import (
	"math"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

const (
	chartSpan = 10 * time.Minute
	maxBars   = 60 // as many as a phone has room for
)

// chart is the history as small charts over one time axis. Positions are shares
// of the drawing, which so fits any width without a script.
type chart struct {
	Panels []panel
	Rows   []slice // the same in a table
	Slice  time.Duration
}

// panel is a bar chart of one quantity.
type panel struct {
	ID, Title, Note string
	Top             string // the label of the upper end of its axis
	Bars            []bar
}

// bar is a rectangle, in shares of the panel.
type bar struct {
	slice
	X, Width, Y, Height float64
	Hot                 bool
}

// slice is a stretch of the history as wide as a bar.
type slice struct {
	transport.HistorySlice
	Mean time.Duration // how long a request of it waited
}

func newChart(h transport.History) *chart {
	if len(h.Slices) == 0 || h.Slice <= 0 {
		return nil
	}
	rows, width := merge(h)
	every := "per " + dur(width)
	sent := panel{ID: "sent", Title: "Requests sent", Note: every}
	sent.draw(rows, width, 1, count, func(s slice) (cool, hot float64) {
		held := min(s.Waited, s.Sent)
		return float64(s.Sent - held), float64(held)
	})
	wait := panel{ID: "wait", Title: "Mean wait", Note: "of a request"}
	wait.draw(rows, width, 1e8, length, func(s slice) (cool, hot float64) { return 0, float64(s.Mean) })
	throttled := panel{ID: "throttled", Title: "Answered 429", Note: every}
	throttled.draw(rows, width, 1, count, func(s slice) (cool, hot float64) { return 0, float64(s.Throttled) })
	return &chart{[]panel{sent, wait, throttled}, rows, width}
}

// draw makes the bars, of what went at once and of what is the limit's doing. The
// last ends with the chart. The axis has a least length, lest noise fills it.
func (p *panel) draw(rows []slice, width time.Duration, least float64, text func(float64) string, of func(slice) (cool, hot float64)) {
	top := least
	for _, s := range rows {
		cool, hot := of(s)
		top = max(top, ceil(cool+hot))
	}
	p.Top = text(top)
	end := rows[len(rows)-1].Start
	share := func(d time.Duration) float64 { return float64(d) / float64(chartSpan) }
	for _, s := range rows {
		right := 1 - share(end.Sub(s.Start))
		left := max(0, right-share(width)) // the oldest may stick out
		cool, hot := of(s)
		cool, hot = cool/top, hot/top
		b := bar{slice: s, X: left + (right-left)*0.1, Width: (right - left) * 0.8}
		if cool > 0 {
			b.Y, b.Height = 1-cool, cool
			p.Bars = append(p.Bars, b)
		}
		if hot > 0 {
			b.Y, b.Height, b.Hot = 1-cool-hot, hot, true
			p.Bars = append(p.Bars, b)
		}
	}
}

// merge joins slices until they are few enough for bars, and drops those
// that are older than the chart.
func merge(h transport.History) ([]slice, time.Duration) {
	per := max(1, int((chartSpan/h.Slice+maxBars-1)/maxBars))
	all := h.Slices
	all = all[max(0, len(all)-max(1, int(chartSpan/h.Slice))):]
	var out []slice
	for len(all) > 0 {
		n := (len(all)-1)%per + 1 // the first may be short, so that the last is whole
		s := slice{HistorySlice: all[0]}
		for _, next := range all[1:n] {
			add(&s.Counts, next.Counts)
			s.Wait += next.Wait
		}
		all = all[n:]
		s.Start = s.Start.Add(-time.Duration(per-n) * h.Slice)
		if requests := max(s.Sent, s.Waited); requests > 0 {
			s.Mean = s.Wait / time.Duration(requests)
		}
		out = append(out, s)
	}
	return out, time.Duration(per) * h.Slice
}

// ceil returns the next number of the kind 1, 2 or 5 times a power of ten.
func ceil(v float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(max(1, v))))
	for _, k := range []float64{1, 2, 5} {
		if v <= k*unit {
			return k * unit
		}
	}
	return 10 * unit
}
