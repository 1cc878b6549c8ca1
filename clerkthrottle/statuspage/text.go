package statuspage

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

var funcs = template.FuncMap{
	"num": num, "plural": plural, "dur": dur, "countdown": countdown, "window": window,
	"perSecond": perSecond, "share": shareOf[int], "ratio": shareOf[float64], "classes": classes, "name": name,
}

// num formats an integer with commas between thousands.
func num(n any) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural returns "1 endpoint" or "23 endpoints".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return num(n) + " " + many
}

// dur formats a duration, to two or three digits.
func dur(d time.Duration) string {
	switch {
	case d <= 0:
		return "0"
	case d < time.Millisecond:
		return "<1 ms"
	case d.Round(time.Millisecond) < time.Second:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case d.Round(time.Second) < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'g', 2, 64) + " s"
	default:
		s := countdown(d.Round(time.Second))
		return strings.TrimSuffix(strings.TrimSuffix(s, " 00 s"), " 00 min")
	}
}

// countdown formats the time left. clock.js formats it the same way between
// snapshots.
func countdown(d time.Duration) string {
	tenths := max(0, (d+100*time.Millisecond-1)/(100*time.Millisecond))
	seconds := (tenths + 9) / 10
	minutes := (seconds + 59) / 60
	switch {
	case tenths < 100:
		return fmt.Sprintf("%d.%d s", tenths/10, tenths%10)
	case seconds < 60:
		return fmt.Sprintf("%d s", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%d min %02d s", seconds/60, seconds%60)
	default:
		return fmt.Sprintf("%d h %02d min", minutes/60, minutes%60)
	}
}

// window formats the length of a window, as in "100 per hour".
func window(d time.Duration) string {
	units := map[time.Duration]string{time.Second: "second", time.Minute: "minute", time.Hour: "hour"}
	return cmp.Or(units[d], dur(d))
}

// perSecond formats a rate, to the digits that a reader compares.
func perSecond(r float64) string {
	if r <= 0 {
		return "–"
	}
	if r >= 99.95 {
		return num(int64(math.Round(r)))
	}
	digits := 1
	if r < 0.995 {
		digits = 2
	}
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(r, 'f', digits, 64), "0"), ".")
}

// share is a fraction of a drawing, from 0 to 1.
type share float64

func shareOf[N int | float64](part, whole N) share {
	if whole <= 0 {
		return 0
	}
	return share(min(1, max(0, float64(part)/float64(whole))))
}

// String returns the percentage as SVG expects it.
func (s share) String() string {
	return strconv.FormatFloat(math.Round(float64(s)*1e4)/100, 'f', -1, 64) + "%"
}

// classes lists how many requests of each class wait, or nothing if the budget does
// not say.
func classes(c snapshot.Classes) string {
	s := ""
	for _, class := range []struct {
		n    int
		name string
	}{{c.Interactive, "interactive"}, {c.Normal, "normal"}, {c.Batch, "batch"}} {
		if class.n > 0 {
			s += ", " + num(class.n) + " " + class.name
		}
	}
	return strings.TrimPrefix(s, ", ")
}

// name formats the name of a limit or an endpoint. A line may break before a slash.
func name(s string) template.HTML {
	return template.HTML("<code>" + strings.ReplaceAll(html.EscapeString(s), "/", "<wbr>/") + "</code>")
}
