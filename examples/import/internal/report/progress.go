package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Progress shows how far an import is: a line that moves on a terminal, and one
// now and then elsewhere. It is safe for concurrent use. Its exported fields are
// set before it is used; without Out it counts and shows nothing.
type Progress struct {
	Out      io.Writer
	Terminal bool
	Users    int // in all
	Before   int // of those, settled by earlier runs
	Requests int // that make the others
	N        int // the limit: N requests a window
	Window   time.Duration
	// Waiting says what the import waits for, if it does, and until when at least.
	Waiting func() (what string, until time.Time)

	mu      sync.Mutex
	start   time.Time
	settled int // users, in this run
	made    int // of those, at Clerk now
	longest time.Duration
	sent    int         // requests
	recent  []time.Time // when the last three limits' worth of them left
	shown   int         // length of what stands on the line

	stop, stopped chan struct{}
}

// Sent is called when a request leaves, with how long it was held back.
func (p *Progress) Sent(waited time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent++
	p.longest = max(p.longest, waited)
	p.recent = append(p.recent, time.Now())
	if most := 3 * p.N; most > 0 && len(p.recent) > most {
		p.recent = p.recent[:copy(p.recent, p.recent[len(p.recent)-most:])]
	}
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

// Made is how many users this run has made, and Longest the longest wait.
func (p *Progress) Made() (users int, longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made, p.longest
}

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
	p.stop, p.stopped = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(p.stopped)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.put(p.Line(time.Now()))
			case <-p.stop:
				return
			}
		}
	}()
	return func() {
		close(p.stop)
		<-p.stopped
		p.clear()
	}
}

func (p *Progress) put(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.Terminal {
		fmt.Fprintln(p.Out, line)
		return
	}
	fmt.Fprintf(p.Out, "\r%-*s", p.shown, line)
	p.shown = len(line)
}

// Say shows a line of its own.
func (p *Progress) Say(text string) {
	if p.Out == nil {
		return
	}
	p.clear()
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.Out, text)
}

func (p *Progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Terminal && p.shown > 0 {
		fmt.Fprintf(p.Out, "\r%*s\r", p.shown, "")
		p.shown = 0
	}
}

// width is what a terminal of 80 columns holds without a new line.
const width = 79

// Line is what is shown at a moment.
func (p *Progress) Line(now time.Time) string {
	what, until := "", time.Time{}
	if p.Waiting != nil {
		what, until = p.Waiting()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	done := p.Before + p.settled
	line := fmt.Sprintf(" %d/%d users", done, p.Users)
	if rate := p.rateLocked(now); rate > 0 {
		line += fmt.Sprintf("  %.1f/s", rate)
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

// rateLocked is how many requests a second left in the last three windows, or
// since the start, where that is shorter.
func (p *Progress) rateLocked(now time.Time) float64 {
	since := now.Add(-3 * p.Window)
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

// leftLocked estimates the time that is left. The limit lets N requests go in a
// burst, and then none for the rest of the window: so what counts is how many
// windows begin between the last request that left and the last of all. Where
// fewer go than the limit allows, since others use it, too, windows are longer.
func (p *Progress) leftLocked(now time.Time) time.Duration {
	if p.Requests == 0 || p.N == 0 {
		return 0
	}
	if p.sent == 0 {
		return Shortest(p.Requests, p.N, p.Window)
	}
	window, last := p.Window, p.recent[len(p.recent)-1]
	if limit, rate := float64(p.N)/p.Window.Seconds(), p.rateLocked(last); last.Sub(p.start) > 3*p.Window && rate > 0 && rate < limit {
		window = time.Duration(float64(window) * limit / rate)
	}
	windows := (max(p.Requests, p.sent)-1)/p.N - (p.sent-1)/p.N
	return max(0, last.Add(time.Duration(windows)*window).Sub(now))
}

// Shortest is the least time in which a limit lets so many requests through: no
// window holds more than n, so every n of them begin another window. For 2,000
// users on 100 per 10 s it is (2000−100)/10 s; one more takes 10 s more.
func Shortest(requests, n int, window time.Duration) time.Duration {
	return time.Duration(max(0, requests-1)/n) * window
}
