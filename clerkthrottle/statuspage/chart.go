package statuspage

import (
	"fmt"
	"math"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

const chartSpan = 10 * time.Minute

// chart is the history as small charts over one time axis. Positions are fractions of
// the drawing, so it fits any width without a script.
type chart struct {
	Panels []panel
	Rows   []slice // the same as a table
	Slice  time.Duration
}

// panel is a bar chart of one quantity.
type panel struct {
	ID, Title, Note string
	Top             string // label at the top of its axis
	Bars            []bar
}

// bar is a rectangle, in fractions of the panel.
type bar struct {
	slice
	X, Width, Y, Height share
	Hot                 bool
}

// slice is a slice of the history, as wide as a bar.
type slice struct{ snapshot.Slice }

// String returns the bar's tooltip.
func (s slice) String() string {
	return fmt.Sprintf("%s: %s sent, %s after a wait, %s answered 429; %s mean wait",
		s.Start.Format("15:04:05"), num(s.Sent), num(s.Waited), num(s.Throttled), dur(s.Mean()))
}

// Mean returns the mean wait of a request.
func (s slice) Mean() time.Duration {
	return s.Wait / time.Duration(max(1, s.Sent, s.Waited))
}

func newChart(h snapshot.History) *chart {
	if len(h.Slices) == 0 || h.Slice <= 0 {
		return nil
	}
	c := &chart{Slice: h.Slice}
	most := max(1, int(chartSpan/h.Slice))
	for _, s := range h.Slices[max(0, len(h.Slices)-most):] {
		c.Rows = append(c.Rows, slice{s})
	}
	every := "per " + dur(c.Slice)
	c.draw("sent", "Requests sent", every, 1, count, func(s slice) (cool, hot float64) {
		held := min(s.Waited, s.Sent)
		return float64(s.Sent - held), float64(held)
	})
	const least = float64(100 * time.Millisecond)
	c.draw("wait", "Mean wait", "of a request", least, length, func(s slice) (cool, hot float64) { return 0, float64(s.Mean()) })
	c.draw("throttled", "Answered 429", every, 1, count, func(s slice) (cool, hot float64) { return 0, float64(s.Throttled) })
	return c
}

// draw adds a panel. In its bars, hot is what the limit delayed or refused, and cool
// the rest. The last bar ends with the chart. The axis has a minimum length, so that
// noise does not fill it.
func (c *chart) draw(id, title, note string, least float64, text func(float64) string, of func(slice) (cool, hot float64)) {
	top := least
	for _, s := range c.Rows {
		cool, hot := of(s)
		top = max(top, ceil(cool+hot))
	}
	p := panel{ID: id, Title: title, Note: note, Top: text(top)}
	end := c.Rows[len(c.Rows)-1].Start
	along := func(d time.Duration) share { return share(d) / share(chartSpan) }
	for _, s := range c.Rows {
		right := 1 - along(end.Sub(s.Start))
		left := max(0, right-along(c.Slice)) // the oldest may begin before the chart
		atOnce, held := of(s)
		cool, hot := share(atOnce/top), share(held/top)
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
	c.Panels = append(c.Panels, p)
}

// ceil returns v rounded up to 1, 2 or 5 times a power of ten.
func ceil(v float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(max(1, v))))
	for _, k := range []float64{1, 2, 5} {
		if v <= k*unit {
			return k * unit
		}
	}
	return 10 * unit
}
