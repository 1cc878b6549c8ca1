package statuspage

import (
	"fmt"
	"math"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

const (
	chartSpan = 10 * time.Minute
	maxBars   = 60 // as many as a phone has room for
)

// chart is the history as three small charts over one time axis. Positions are
// shares of the drawing, which so fits any width without a script.
type chart struct {
	Panels  []panel
	Rows    []slice // the same in a table
	Slice   time.Duration
	Summary string
}

// panel is a bar chart of one quantity.
type panel struct {
	ID, Title, Note string
	Top             string // the label of the upper end of its axis
	Bars            []bar
}

// bar is a rectangle, in shares of the panel.
type bar struct {
	X, Width, Y, Height float64
	Hot                 bool // the limit's doing
	Says                string
}

// slice is a stretch of the history as wide as a bar.
type slice struct {
	transport.HistorySlice
	Clock string
	Mean  time.Duration // how long a request of it waited
}

func newChart(h transport.History) *chart {
	if len(h.Slices) == 0 || h.Slice <= 0 {
		return nil
	}
	c := &chart{}
	c.Rows, c.Slice = merge(h)
	end := c.Rows[len(c.Rows)-1].Start.Add(c.Slice)
	var sent, throttled int64
	var mean time.Duration
	for _, s := range c.Rows {
		sent, throttled, mean = max(sent, s.Sent), max(throttled, s.Throttled), max(mean, s.Mean)
	}
	sums := total(h, c.Rows[0].Start)
	c.Summary = fmt.Sprintf("%s sent, %s of them held back, %s answered 429; the longest mean wait is %s",
		num(sums.Sent), num(sums.Waited), num(sums.Throttled), dur(mean))

	every := "per " + dur(c.Slice)
	sentTop, meanTop, throttledTop := ceil(float64(sent)), ceilDur(mean), ceil(float64(throttled))
	requests := panel{ID: "sent", Title: "Requests sent", Note: every, Top: num(int64(sentTop))}
	waits := panel{ID: "wait", Title: "Mean wait", Note: "of a request", Top: dur(meanTop)}
	refusals := panel{ID: "throttled", Title: "Answered 429", Note: every, Top: num(int64(throttledTop))}
	for _, s := range c.Rows {
		x := max(0, 1-float64(end.Sub(s.Start))/float64(chartSpan)) // the oldest may stick out
		width := 1 - float64(end.Sub(s.Start)-c.Slice)/float64(chartSpan) - x
		at := func(y, height float64, hot bool, says string) bar {
			return bar{X: x + width*0.1, Width: width * 0.8, Y: 1 - y - height, Height: height, Hot: hot, Says: s.Clock + ": " + says}
		}
		if s.Sent > 0 {
			says := num(s.Sent) + " sent, " + num(s.Waited) + " held back before"
			held := min(s.Waited, s.Sent)
			requests.Bars = append(requests.Bars, at(0, float64(s.Sent-held)/sentTop, false, says))
			if held > 0 {
				requests.Bars = append(requests.Bars, at(float64(s.Sent-held)/sentTop, float64(held)/sentTop, true, says))
			}
		}
		if s.Mean > 0 {
			waits.Bars = append(waits.Bars, at(0, float64(s.Mean)/float64(meanTop), true, dur(s.Mean)+" mean wait"))
		}
		if s.Throttled > 0 {
			refusals.Bars = append(refusals.Bars, at(0, float64(s.Throttled)/throttledTop, true, num(s.Throttled)+" answered 429"))
		}
	}
	c.Panels = []panel{requests, waits, refusals}
	return c
}

// merge joins slices until they are few enough for bars, and drops those
// that are older than the chart.
func merge(h transport.History) ([]slice, time.Duration) {
	per := max(1, int((chartSpan/h.Slice+maxBars-1)/maxBars))
	all := h.Slices
	all = all[max(0, len(all)-max(1, int(chartSpan/h.Slice))):]
	var out []slice
	for len(all) > 0 {
		// The first may be short, so that the last is whole.
		n := (len(all)-1)%per + 1
		s := slice{HistorySlice: all[0]}
		for _, next := range all[1:n] {
			s.Counts, s.Wait = plus(s.Counts, next.Counts), s.Wait+next.Wait
		}
		all = all[n:]
		s.Start = s.Start.Add(-time.Duration(per-n) * h.Slice)
		s.Clock = s.Start.Format("15:04:05")
		if requests := max(s.Sent, s.Waited); requests > 0 {
			s.Mean = s.Wait / time.Duration(requests)
		}
		out = append(out, s)
	}
	return out, time.Duration(per) * h.Slice
}

// ceil returns the next number of the kind 1, 2 or 5 times a power of ten.
func ceil(v float64) float64 {
	if v <= 1 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, k := range []float64{1, 2, 5} {
		if v <= k*unit {
			return k * unit
		}
	}
	return 10 * unit
}

// ceilDur is ceil for durations, at least 100 ms lest noise fills the chart.
func ceilDur(d time.Duration) time.Duration {
	ms := max(100, ceil(float64(d)/float64(time.Millisecond)))
	return time.Duration(ms) * time.Millisecond
}
