package main

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// progress shows how far a run is, on standard error: a bar that moves on a
// terminal, and one line a few seconds apart elsewhere.
type progress struct {
	name    string
	total   int
	done    atomic.Int64
	start   time.Time
	stop    chan struct{}
	stopped chan struct{}
}

func startProgress(name string, total int) *progress {
	p := &progress{name: name, total: total, start: time.Now(), stop: make(chan struct{}), stopped: make(chan struct{})}
	go p.show()
	return p
}

func (p *progress) show() {
	defer close(p.stopped)
	every, format := 5*time.Second, "%s\n"
	terminal := isTerminal(os.Stderr)
	if terminal {
		every, format = 100*time.Millisecond, "\r%s"
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(os.Stderr, format, p.line())
		case <-p.stop:
			if terminal {
				fmt.Fprintf(os.Stderr, "\r%s\r", strings.Repeat(" ", len(p.line())))
			}
			return
		}
	}
}

func (p *progress) line() string {
	const width = 30
	done := int(p.done.Load())
	bar := strings.Repeat("#", width*done/p.total)
	return fmt.Sprintf("%-9s [%-*s] %3d/%d calls, %2.0f s", p.name, width, bar, done, p.total, time.Since(p.start).Seconds())
}

func (p *progress) finish() {
	close(p.stop)
	<-p.stopped
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
