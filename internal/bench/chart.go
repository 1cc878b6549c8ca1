package bench

import (
	"bytes"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

var (
	ourColor  = color.RGBA{R: 0x1f, G: 0x77, B: 0xb4, A: 0xff}
	peerColor = color.RGBA{R: 0xb8, G: 0xb8, B: 0xb8, A: 0xff}
	palette   = []color.Color{
		ourColor,
		color.RGBA{R: 0xd6, G: 0x27, B: 0x28, A: 0xff}, color.RGBA{R: 0xff, G: 0x7f, B: 0x0e, A: 0xff},
		color.RGBA{R: 0x2c, G: 0xa0, B: 0x2c, A: 0xff}, color.RGBA{R: 0x94, G: 0x67, B: 0xbd, A: 0xff},
		color.RGBA{R: 0x8c, G: 0x56, B: 0x4b, A: 0xff}, color.RGBA{R: 0xe3, G: 0x77, B: 0xc2, A: 0xff},
		color.RGBA{R: 0x7f, G: 0x7f, B: 0x7f, A: 0xff}, color.RGBA{R: 0xbc, G: 0xbd, B: 0x22, A: 0xff},
		color.RGBA{R: 0x17, G: 0xbe, B: 0xcf, A: 0xff},
	}
)

// Charts draws the report: file name to SVG.
func (r *Report) Charts() (map[string][]byte, error) {
	all := make(map[string][]byte)
	for _, c := range Cases() {
		rows := r.Of(c)
		if len(rows) == 0 {
			continue
		}
		svg, err := bars(c, rows)
		if err != nil {
			return nil, err
		}
		all[c.Name+".svg"] = svg
		if rows[0].Timeline == nil {
			continue
		}
		if all[c.Name+"-timeline.svg"], err = timeline(c, rows); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// bars is a chart of two panels: 429s on the left, time on the right.
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
	canvas := vgsvg.New(width, height)
	whole := draw.New(canvas)
	rejected.Draw(draw.Crop(whole, 0, -width*2/5, 0, 0))
	time.Draw(draw.Crop(whole, width*3/5, -width/50, 0, 0))
	return svgOf(canvas)
}

// panel is one bar a peer, the throttle's on top.
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

// timeline is how many calls each peer had got done by when.
func timeline(c Case, rows []Row) ([]byte, error) {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text = c.Name
	p.X.Label.Text, p.Y.Label.Text = "seconds", "calls that had worked"
	p.X.Max, p.Y.Min, p.Y.Max = 30, 0, 2100
	p.Legend.Top = false
	p.Add(plotter.NewGrid())
	for i := len(rows) - 1; i >= 0; i-- {
		points := plotter.XYs{{}}
		for half, n := range rows[i].Timeline {
			if x := float64(half+1) / 2; x <= p.X.Max {
				points = append(points, plotter.XY{X: x, Y: float64(n)})
			}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Color = palette[i%len(palette)]
		if line.Width = vg.Points(1); i == 0 {
			line.Width = vg.Points(3)
		}
		p.Add(line)
		p.Legend.Add(rows[i].Peer, line)
	}
	canvas := vgsvg.New(20*vg.Centimeter, 12*vg.Centimeter)
	p.Draw(draw.New(canvas))
	return svgOf(canvas)
}

func svgOf(canvas *vgsvg.Canvas) ([]byte, error) {
	var b bytes.Buffer
	_, err := canvas.WriteTo(&b)
	return b.Bytes(), err
}
