package transport

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Reason says why a request was refused instead of waiting longer.
type Reason string

const (
	// ReasonDeadline: the wait would have ended after the deadline of the
	// request's context (an http.Client.Timeout reaches a transport as one).
	ReasonDeadline Reason = "deadline"
	// ReasonMaxWait: the wait would have been longer than the caller's bound.
	ReasonMaxWait Reason = "max_wait"
	// ReasonQueueFull: as many requests wait as may.
	ReasonQueueFull Reason = "queue_full"
	// ReasonClosed: the transport was closed.
	ReasonClosed Reason = "closed"
	// ReasonUnavailable: the [Budget] that the limits belong to cannot be reached,
	// and is set to let nothing go on without it.
	ReasonUnavailable Reason = "unavailable"
)

// Hold says what a request would have waited for.
type Hold string

const (
	// HoldBlock: the endpoint is blocked after a 429.
	HoldBlock Hold = "block"
	// HoldLimit: a documented limit is used up.
	HoldLimit Hold = "limit"
	// HoldRate: the rate learned from 429s leaves no room yet.
	HoldRate Hold = "rate"
)

// ThrottledError tells that a request was not sent, because it would have had
// to wait longer than it may. Nothing was spent on it. Get at it with
// [errors.As]: an [net/http.Client] wraps it in a [net/url.Error].
type ThrottledError struct {
	Endpoint string        // method and path template of the request
	Priority Priority      // its class
	Reason   Reason        // why it did not wait
	Hold     Hold          // what it would have waited for; empty with ReasonClosed and ReasonUnavailable
	Limit    string        // the limit's name, with HoldLimit and HoldRate
	N        int           // the limit's size, with HoldLimit
	Window   time.Duration // the limit's window, with HoldLimit
	Wait     time.Duration // how long the wait would have lasted, from the refusal on
	Bound    time.Duration // how long the request could still have waited
	Queue    int           // how many others wait: for the same or, with ReasonQueueFull, for anything
	RetryAt  time.Time     // when a request like this one has a chance again
	Err      error         // why the budget cannot be reached, with ReasonUnavailable
}

// Error says whose limit held the request, for how long, and what to do.
func (e *ThrottledError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "throttled: %s was not sent: ", e.Endpoint)
	switch e.Reason {
	case ReasonClosed:
		b.WriteString("the throttle is closed")
		return b.String()
	case ReasonUnavailable:
		fmt.Fprintf(&b, "the shared budget cannot be reached, and nothing may go on without it: %v", e.Err)
		return b.String()
	}
	wait := roundWait(e.Wait)
	switch e.Hold {
	case HoldBlock:
		fmt.Fprintf(&b, "the server blocks this endpoint after a 429 for another %s", wait)
	case HoldRate:
		fmt.Fprintf(&b, "other programs share the limit %q, and the rate learned from 429s has no room for another %s", e.Limit, wait)
	default:
		fmt.Fprintf(&b, "the limit %q of %d requests per %s is used up for another %s", e.Limit, e.N, e.Window, wait)
	}
	at := e.RetryAt.Format(time.RFC3339)
	switch e.Reason {
	case ReasonQueueFull:
		fmt.Fprintf(&b, ", and %d requests wait already, as many as may: retry at %s, or send less at a time", e.Queue, at)
	case ReasonDeadline:
		fmt.Fprintf(&b, ", and the request's deadline comes first (in %s): retry at %s, or raise the context deadline or http.Client.Timeout", roundWait(e.Bound), at)
	default:
		fmt.Fprintf(&b, ", longer than the %s it may still wait: retry at %s, or raise MaxWait", roundWait(e.Bound), at)
	}
	return b.String()
}

// Unwrap returns [context.DeadlineExceeded] where a deadline was the reason, and
// otherwise Err.
func (e *ThrottledError) Unwrap() error {
	if e.Reason == ReasonDeadline {
		return context.DeadlineExceeded
	}
	return e.Err
}

// Timeout reports whether a deadline was the reason, as [net.Error] would.
func (e *ThrottledError) Timeout() bool { return e.Reason == ReasonDeadline }

// roundWait keeps messages readable: milliseconds below a second, tenths below
// a minute, whole seconds above. It rounds up, so that "another 0s" never shows.
func roundWait(d time.Duration) time.Duration {
	unit := time.Second
	switch {
	case d <= 0:
		return 0
	case d < time.Second:
		unit = time.Millisecond
	case d < time.Minute:
		unit = 100 * time.Millisecond
	}
	if up := d + unit - 1; up > d { // but for a wait until the end of time
		d = up
	}
	return d.Truncate(unit)
}
