package statuspage

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// num writes a count with a comma between thousands.
func num[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// dur writes how long something took, to two or three digits.
func dur(d time.Duration) string {
	switch {
	case d <= 0:
		return "0"
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second-500*time.Microsecond:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	case d < 9950*time.Millisecond:
		return trimZero(strconv.FormatFloat(d.Seconds(), 'f', 1, 64)) + " s"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 0, 64) + " s"
	case d < time.Hour:
		return pair(d, time.Minute, "min", time.Second, "s")
	default:
		return pair(d, time.Hour, "h", time.Minute, "min")
	}
}

// countdown writes how long something still takes. clock.js writes it the same
// way between two snapshots.
func countdown(d time.Duration) string {
	switch tenths := (d + 100*time.Millisecond - 1) / (100 * time.Millisecond); {
	case tenths <= 0:
		return "0.0 s"
	case tenths < 100:
		return fmt.Sprintf("%d.%d s", tenths/10, tenths%10)
	case tenths <= 590:
		return fmt.Sprintf("%d s", (tenths+9)/10)
	case tenths <= 36000-10:
		seconds := (tenths + 9) / 10
		return fmt.Sprintf("%d min %02d s", seconds/60, seconds%60)
	default:
		minutes := (tenths + 599) / 600
		return fmt.Sprintf("%d h %02d min", minutes/60, minutes%60)
	}
}

// window writes the length of a window as in "100 per hour".
func window(d time.Duration) string {
	switch d {
	case time.Second:
		return "second"
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	default:
		return dur(d)
	}
}

func pair(d, unit time.Duration, name string, part time.Duration, partName string) string {
	d = d.Round(part)
	s := fmt.Sprintf("%d %s", d/unit, name)
	if rest := d % unit / part; rest > 0 {
		s += fmt.Sprintf(" %d %s", rest, partName)
	}
	return s
}

// perSecond writes a rate, to the precision that a reader compares.
func perSecond(r float64) string {
	if r >= 99.95 || r == math.Trunc(r) {
		return num(int64(math.Round(r)))
	}
	if r < 0.995 {
		return strings.TrimRight(strconv.FormatFloat(r, 'f', 2, 64), "0")
	}
	return trimZero(strconv.FormatFloat(r, 'f', 1, 64))
}

func trimZero(s string) string { return strings.TrimSuffix(s, ".0") }

// plural returns "1 request" or "23 requests".
func plural[T int | int64](n T, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return num(n) + " " + word + "s"
}

// classesText lists who waits, and nothing where the budget does not say.
func classesText(c transport.Classes) string {
	var parts []string
	for _, class := range []struct {
		n    int
		name string
	}{{c.Interactive, "interactive"}, {c.Normal, "normal"}, {c.Batch, "batch"}} {
		if class.n > 0 {
			parts = append(parts, num(class.n)+" "+class.name)
		}
	}
	return strings.Join(parts, ", ")
}

// stamp writes a moment for a machine.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// percent writes a share of one as SVG takes it.
func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e4)/100, 'f', -1, 64) + "%"
}

// breaks splits the name of an endpoint where a line may end: before a slash.
func breaks(name string) []string {
	var parts []string
	for {
		i := strings.LastIndexByte(name, '/')
		if i <= 0 || name[i-1] == ' ' {
			break
		}
		parts, name = append(parts, name[i:]), name[:i]
	}
	parts = append(parts, name)
	slices.Reverse(parts)
	return parts
}
