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

// WithTitle names the program whose throttle it is, for whoever has several
// pages open. Default: "Clerk throttle".
func WithTitle(title string) Option {
	return func(c *config) { c.title = title }
}

// WithInterval sets how often the page asks for what changes, and a stream carries
// a snapshot. Default: one second; at least 10 ms.
func WithInterval(d time.Duration) Option {
	const least = 10 * time.Millisecond
	if d < least {
		panic(fmt.Sprintf("statuspage: WithInterval(%s): it must be at least %s", d, least))
	}
	return func(c *config) { c.interval = d }
}

// WithMaxStreams bounds how many streams of /events are open at once. Default: 16;
// 0 means none.
func WithMaxStreams(n int) Option {
	if n < 0 {
		panic(fmt.Sprintf("statuspage: WithMaxStreams(%d): it must not be negative", n))
	}
	return func(c *config) { c.maxStreams = n }
}
