package bench

import (
	"bytes"
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

var (
	ourColor  = color.RGBA{R: 0x1f, G: 0x77, B: 0xb4, A: 0xff}
	peerColor = color.RGBA{R: 0xb8, G: 0xb8, B: 0xb8, A: 0xff}
)

// charts returns the report's charts as SVG, by file name.
func (r *Report) charts() (map[string][]byte, error) {
	all := make(map[string][]byte)
	for _, c := range Cases() {
		rows := r.Of(c)
		if len(rows) == 0 {
			continue
		}
		var err error
		if all[c.Name+".svg"], err = bars(c, rows); err != nil {
			return nil, err
		}
		if rows[0].Timeline == nil {
			continue
		}
		if all[c.Name+"-timeline.svg"], err = timeline(c, rows); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// bars draws two panels: 429s on the left, time on the right.
func bars(c Case, rows []Row) ([]byte, error) {
	rejected, err := panel(rows, "429s for a thousand calls", "%.1f", true, func(r Row) float64 { return r.per1000() })
	if err != nil {
		return nil, err
	}
	time, err := panel(rows, "time against the shortest possible", "%.2f", false, func(r Row) float64 { return r.Slowdown })
	if err != nil {
		return nil, err
	}
	rejected.Title.Text = c.Name
	time.Title.Text = " "
	const width, height = 24 * vg.Centimeter, 9 * vg.Centimeter
	return svg(width, height, func(whole draw.Canvas) {
		rejected.Draw(draw.Crop(whole, 0, -width*2/5, 0, 0))
		time.Draw(draw.Crop(whole, width*3/5, -width/50, 0, 0))
	})
}

// panel draws one bar per peer, the throttle's on top.
func panel(rows []Row, axis, format string, named bool, value func(Row) float64) (*plot.Plot, error) {
	p := plot.New()
	p.BackgroundColor = color.White
	p.X.Label.Text = axis
	p.X.Min = 0
	names := make([]string, len(rows))
	most := 0.0
	for i, row := range rows {
		y := len(rows) - 1 - i
		most = max(most, value(row))
		bar, err := plotter.NewBarChart(plotter.Values{value(row)}, 0.35*vg.Centimeter)
		if err != nil {
			return nil, err
		}
		bar.Horizontal, bar.XMin, bar.LineStyle.Width = true, float64(y), 0
		if bar.Color = peerColor; i == 0 {
			bar.Color = ourColor
		}
		label, err := plotter.NewLabels(plotter.XYLabels{
			XYs: plotter.XYs{{X: value(row), Y: float64(y)}}, Labels: []string{" " + fmt.Sprintf(format, value(row))},
		})
		if err != nil {
			return nil, err
		}
		label.TextStyle[0].YAlign = text.YCenter
		p.Add(bar, label)
		if names[y] = " "; named {
			names[y] = row.Peer
		}
	}
	p.X.Max = max(most, 1) * 1.2 // room for the label
	p.NominalY(names...)
	return p, nil
}

// timeline draws how many calls of each peer had succeeded over time.
func timeline(c Case, rows []Row) ([]byte, error) {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text = c.Name
	p.X.Label.Text, p.Y.Label.Text = "seconds", "calls that had worked"
	p.X.Max, p.Y.Min, p.Y.Max = 30, 0, 2100
	p.Legend.Top = false
	p.Add(plotter.NewGrid())
	for i, row := range slices.Backward(rows) {
		points := plotter.XYs{{}}
		for half, n := range row.Timeline {
			if x := float64(half+1) / 2; x <= p.X.Max {
				points = append(points, plotter.XY{X: x, Y: float64(n)})
			}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Dashes = plotutil.Color(i), plotutil.Dashes(i/len(plotutil.DefaultColors))
		if i == 0 {
			line.Color, line.Width = ourColor, vg.Points(3)
		}
		p.Add(line)
		p.Legend.Add(row.Peer, line)
	}
	return svg(20*vg.Centimeter, 12*vg.Centimeter, p.Draw)
}

func svg(width, height vg.Length, paint func(draw.Canvas)) ([]byte, error) {
	canvas := vgsvg.New(width, height)
	paint(draw.New(canvas))
	var b bytes.Buffer
	_, err := canvas.WriteTo(&b)
	return b.Bytes(), err
}
