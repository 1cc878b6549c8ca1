package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

// Progress shows how far an import is: a line that moves on a terminal, and one
// now and then elsewhere. It is safe for concurrent use. Its exported fields are
// set before it is used; without Out it counts and shows nothing.
type Progress struct {
	Out      io.Writer
	Terminal bool
	Users    int // in all
	Requests int // that make them
	Limit    flags.Limit
	// Waiting says what the import waits for, if it does, and until when at least.
	Waiting func() (what string, until time.Time)

	mu      sync.Mutex
	start   time.Time
	before  int // users who were settled by earlier runs
	settled int // users, in this run
	made    int // of those, at Clerk now
	longest time.Duration
	sent    int       // requests
	last    time.Time // when the last of them left
}

// Sent is called when a request leaves, with how long it was held back.
func (p *Progress) Sent(waited time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent++
	p.last = time.Now()
	p.longest = max(p.longest, waited)
}

// Settled is called when nothing is left to be done about a user.
func (p *Progress) Settled(made bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settled++
	if made {
		p.made++
	}
}

// Before is called for a user who was settled by an earlier run, with the
// requests that it needs no more.
func (p *Progress) Before(requests int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before++
	p.Requests -= requests
}

// Made is how many users this run has made, how many were settled before, and the
// longest wait.
func (p *Progress) Made() (users, before int, longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made, p.before, p.longest
}

// width is what a terminal of 80 columns holds without a new line.
const width = 79

// Show shows the progress until the function that it returns is called.
func (p *Progress) Show() (finish func()) {
	p.start = time.Now()
	if p.Out == nil {
		return func() {}
	}
	every := 10 * time.Second
	if p.Terminal {
		every = 200 * time.Millisecond
	}
	tick, stop := time.NewTicker(every), make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		for {
			select {
			case <-tick.C:
				p.put(p.Line(time.Now()), "\n")
			case <-stop:
				return
			}
		}
	})
	return func() {
		tick.Stop()
		close(stop)
		shown.Wait()
		p.put("", "")
	}
}

// Say shows a line of its own.
func (p *Progress) Say(text string) {
	if p.Out != nil {
		p.put(text+"\n", "")
	}
}

// put writes over what stands on the line, or, where there is no terminal, a
// line of its own, which end ends.
func (p *Progress) put(line, end string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Terminal {
		fmt.Fprintf(p.Out, "\r%*s\r%s", width, "", line)
	} else {
		fmt.Fprint(p.Out, line, end)
	}
}

// Line is what is shown at a moment.
func (p *Progress) Line(now time.Time) string {
	what, until := "", time.Time{}
	if p.Waiting != nil {
		what, until = p.Waiting()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	done := p.before + p.settled
	line := fmt.Sprintf(" %d/%d users", done, p.Users)
	if p.sent > 0 {
		line += fmt.Sprintf("  %.1f/s", float64(p.sent)/max(0.1, now.Sub(p.start).Seconds()))
	}
	if left := max(p.leftLocked(now), until.Sub(now)); left > 0 && done < p.Users {
		line += fmt.Sprintf("  %s left", left.Round(time.Second))
	}
	if what != "" {
		line += "  " + what
		if wait := until.Sub(now).Round(time.Second); wait > 0 {
			line += fmt.Sprintf(", %s more", wait)
		}
	}
	if bar := min(24, width-2-len(line)); bar > 4 {
		line = fmt.Sprintf("[%-*s]", bar, strings.Repeat("#", min(bar, bar*done/max(1, p.Users)))) + line
	}
	return line[:min(len(line), width)]
}

// leftLocked estimates the time that is left, by the windows that have to begin
// until the last request. Where requests take longer than the limit makes them,
// since others use it, too, windows are so much longer.
func (p *Progress) leftLocked(now time.Time) time.Duration {
	all, slower := Shortest(max(p.Requests, p.sent), p.Limit), 1.0
	if p.sent == 0 {
		return all
	}
	so := Shortest(p.sent, p.Limit)
	if so > 0 {
		slower = max(1, p.last.Sub(p.start).Seconds()/(so+p.Limit.Window).Seconds())
	}
	return max(0, p.last.Add(time.Duration(slower*float64(all-so))).Sub(now))
}

// Shortest is the least time in which a limit lets so many requests through: no
// window holds more than N, so every N of them begin another window. For 2,000
// users on 100 per 10 s it is (2000−100)/10 s; one more takes 10 s more.
func Shortest(requests int, limit flags.Limit) time.Duration {
	return time.Duration(max(0, requests-1)/limit.N) * limit.Window
}
