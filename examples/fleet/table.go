package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// table shows the fleet while it runs: redrawn in place on a terminal, a line now
// and then elsewhere.
type table struct {
	f        *fleet
	terminal bool
	lines    int // drawn last
	next     time.Duration
	before   []int64 // done by program, one second ago
	at       time.Duration
	rates    []float64
}

func newTable(f *fleet) *table {
	info, err := os.Stdout.Stat()
	return &table{
		f:        f,
		terminal: err == nil && info.Mode()&os.ModeCharDevice != 0,
		before:   make([]int64, len(f.members)),
		rates:    make([]float64, len(f.members)),
	}
}

// draw shows the fleet as it is now, if it is time to.
func (t *table) draw(now time.Duration) {
	if now < t.next {
		return
	}
	every := time.Second
	if t.terminal {
		every = 200 * time.Millisecond
	}
	t.next = now + every
	if now-t.at >= time.Second {
		for i, m := range t.f.members {
			p, _ := m.progress()
			t.rates[i] = float64(p.Done-t.before[i]) / (now - t.at).Seconds()
			t.before[i] = p.Done
		}
		t.at = now
	}
	if t.terminal {
		t.redraw(now)
		return
	}
	stats := t.f.clerk.Stats()
	fmt.Printf("%5.1f s  accepted %5d  429s %d  a second, by program:", now.Seconds(), stats.Accepted, stats.Rejected)
	for i, m := range t.f.members {
		fmt.Printf(" %s", mark1(m, t.rates[i]))
	}
	fmt.Println()
}

func mark1(m *member, rate float64) string {
	p, dead := m.progress()
	switch {
	case dead:
		return "dead"
	case p.Away:
		return fmt.Sprintf("%.0f*", rate)
	default:
		return fmt.Sprintf("%.0f", rate)
	}
}

func (t *table) redraw(now time.Duration) {
	var text strings.Builder
	stats := t.f.clerk.Stats()
	fmt.Fprintf(&text, "%.1f of %.0f s: %d requests accepted, %d answered 429\n\n", now.Seconds(), t.f.duration.Seconds(), stats.Accepted, stats.Rejected)
	w := tabwriter.NewWriter(&text, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "program\tdone\ta second\t429s met\tfailed\tstate\t")
	for i, m := range t.f.members {
		p, dead := m.progress()
		state := "shared"
		switch {
		case dead:
			state = "killed"
		case p.Away:
			state = "without Redis"
		}
		fmt.Fprintf(w, "%d\t%d\t%.0f\t%d\t%d\t%s\t\n", i+1, p.Done, t.rates[i], p.Met429, p.Failed, state)
	}
	w.Flush()
	fmt.Fprintln(&text)
	for _, e := range t.f.events {
		fmt.Fprintln(&text, e)
	}
	if t.lines > 0 {
		fmt.Printf("\x1b[%dA\x1b[J", t.lines)
	}
	fmt.Print(text.String())
	t.lines = strings.Count(text.String(), "\n")
}

// end leaves the last table where it is.
func (t *table) end() {
	if t.terminal {
		t.redraw(time.Since(t.f.start))
	}
	fmt.Println()
}
