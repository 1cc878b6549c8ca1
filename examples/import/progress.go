package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progress shows how far an import is: a bar that moves on a terminal, and one
// line now and then elsewhere. It is safe for concurrent use. Its zero value
// counts and shows nothing.
type progress struct {
	out      io.Writer
	terminal bool
	total    int           // users
	done     int           // of those, settled before this run
	n        int           // the limit, for the estimate
	window   time.Duration //

	mu       sync.Mutex
	start    time.Time
	finished int // in this run
	busy     int // users under way
	flying   int // of those, with Clerk or behind it
	waits    time.Duration
	longest  time.Duration
	recent   []time.Time // when the last few were settled
	shown    int         // length of what stands on the line

	stop, stopped chan struct{}
}

func (p *progress) begin() { p.count(func() { p.busy++ }) }
func (p *progress) end()   { p.count(func() { p.busy--; p.flying = min(p.flying, p.busy) }) }

// waited is called when a request leaves, with how long it stood in line.
func (p *progress) waited(d time.Duration) {
	p.count(func() {
		p.flying++
		p.waits += d
		p.longest = max(p.longest, d)
	})
}

func (p *progress) settled() {
	p.count(func() {
		p.finished++
		p.flying = max(0, p.flying-1)
		p.recent = append(p.recent, time.Now())
		if most := 3 * p.n; most > 0 && len(p.recent) > most {
			p.recent = p.recent[:copy(p.recent, p.recent[len(p.recent)-most:])]
		}
	})
}

func (p *progress) count(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// show starts to show the progress, until finish is called.
func (p *progress) show() {
	p.count(func() { p.start = time.Now() })
	if p.out == nil {
		return
	}
	every, format := 10*time.Second, "%s\n"
	if p.terminal {
		every, format = 200*time.Millisecond, "\r%s"
	}
	p.stop, p.stopped = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(p.stopped)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				line := p.line(time.Now())
				p.count(func() {
					pad := max(0, p.shown-len(line))
					p.shown = len(line)
					fmt.Fprintf(p.out, format, line+strings.Repeat(" ", pad))
				})
			case <-p.stop:
				return
			}
		}
	}()
}

// finish ends what show began, and leaves the line clean.
func (p *progress) finish() {
	if p.stop == nil {
		return
	}
	close(p.stop)
	<-p.stopped
	p.stop = nil
	p.clear()
}

// say shows a line of its own.
func (p *progress) say(text string) {
	if p.out != nil {
		p.clear()
		p.count(func() { fmt.Fprintln(p.out, text) })
	}
}

func (p *progress) clear() {
	p.count(func() {
		if p.terminal && p.shown > 0 {
			fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", p.shown))
			p.shown = 0
		}
	})
}

// line is what is shown at a moment.
func (p *progress) line(now time.Time) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	const width = 24
	settled := p.done + p.finished
	bar := strings.Repeat("#", width*settled/max(1, p.total))
	return fmt.Sprintf("[%-*s] %d/%d users, %.1f/s, %d waiting (the longest %.1f s), %s left",
		width, bar, settled, p.total, p.rateLocked(now), max(0, p.busy-p.flying), p.longest.Seconds(), p.leftLocked(now))
}

// rateLocked is how many users a second were settled in the last three windows,
// or since the start, where that is shorter.
func (p *progress) rateLocked(now time.Time) float64 {
	since := now.Add(-3 * p.window)
	if since.Before(p.start) {
		since = p.start
	}
	n := 0
	for i := len(p.recent) - 1; i >= 0 && p.recent[i].After(since); i-- {
		n++
	}
	if span := now.Sub(since).Seconds(); span > 0 {
		return float64(n) / span
	}
	return 0
}

// leftLocked estimates the time that is left. In the first window, when a whole
// burst goes out at once, the limit is a better guess than what was seen.
func (p *progress) leftLocked(now time.Time) time.Duration {
	rest := p.total - p.done - p.finished
	limit := float64(p.n) / p.window.Seconds()
	rate := min(limit, p.rateLocked(now))
	if now.Sub(p.start) < p.window {
		rate = limit
		rest -= max(0, p.n-p.finished)
	}
	if rate <= 0 || rest <= 0 {
		return 0
	}
	return time.Duration(float64(rest) / rate * float64(time.Second)).Round(time.Second)
}
