package statuspage

import (
	"fmt"
	"time"
)

// Option changes what [New] returns.
type Option func(*config)

type config struct {
	title      string
	interval   time.Duration
	maxStreams int
}

const (
	defaultTitle      = "Clerk throttle"
	defaultInterval   = time.Second
	defaultMaxStreams = 16
	minInterval       = 10 * time.Millisecond
)

func defaults() config {
	return config{title: defaultTitle, interval: defaultInterval, maxStreams: defaultMaxStreams}
}

// WithTitle names the program whose throttle it is, for whoever has several
// pages open. Default: "Clerk throttle".
func WithTitle(title string) Option {
	return func(c *config) { c.title = title }
}

// WithInterval sets how often a stream carries a snapshot. Default: one second;
// at least 10 ms.
func WithInterval(d time.Duration) Option {
	return func(c *config) {
		if d < minInterval {
			panic(fmt.Sprintf("statuspage: WithInterval(%s): it must be at least %s", d, minInterval))
		}
		c.interval = d
	}
}

// WithMaxStreams bounds how many streams are open at once. Pages beyond it ask
// for the snapshot every other second instead. Default: 16; 0 means no streams.
func WithMaxStreams(n int) Option {
	return func(c *config) {
		if n < 0 {
			panic(fmt.Sprintf("statuspage: WithMaxStreams(%d): it must not be negative", n))
		}
		c.maxStreams = n
	}
}
