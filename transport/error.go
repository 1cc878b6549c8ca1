package transport

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Reason is why a request was refused instead of waiting longer.
type Reason string

const (
	// ReasonDeadline: the wait would have ended after the deadline of the request's
	// context, which an http.Client.Timeout also sets.
	ReasonDeadline Reason = "deadline"
	// ReasonMaxWait: the wait would have been longer than [Config.MaxWait].
	ReasonMaxWait Reason = "max_wait"
	// ReasonQueueFull: [Config.MaxQueue] requests were already waiting.
	ReasonQueueFull Reason = "queue_full"
	// ReasonClosed: the transport was closed.
	ReasonClosed Reason = "closed"
	// ReasonUnavailable: the [Budget] is unreachable and lets no request go without
	// it.
	ReasonUnavailable Reason = "unavailable"
)

// Hold is what a request waited for, or would have.
type Hold string

const (
	// HoldBlock: the endpoint is blocked after a 429.
	HoldBlock Hold = "block"
	// HoldLimit: a documented limit is used up.
	HoldLimit Hold = "limit"
	// HoldRate: the rate learned from 429s leaves no room yet.
	HoldRate Hold = "rate"
)

// ThrottledError is the error of a request that was refused, usually because it would
// have had to wait too long. It spent no token. Find it with [errors.As]:
// [net/http.Client] wraps it in a [net/url.Error].
type ThrottledError struct {
	Endpoint string        // method and path template of the request
	Priority Priority      // its class
	Reason   Reason        // why it did not wait
	Hold     Hold          // what it would have waited for; empty with ReasonClosed and ReasonUnavailable
	Limit    string        // the limit's name, with HoldLimit and HoldRate
	N        int           // the limit's size, with HoldLimit
	Window   time.Duration // the limit's window, with HoldLimit
	Wait     time.Duration // how long it would still have had to wait when it was refused
	Bound    time.Duration // how long it could still have waited
	Queue    int           // how many others wait for the same or, with ReasonQueueFull, in total
	RetryAt  time.Time     // the earliest time worth retrying
	Err      error         // why the budget is unreachable, with ReasonUnavailable
}

// Error says what held the request, for how long, and what to do.
func (e *ThrottledError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "throttled: %s was not sent: ", e.Endpoint)
	switch e.Reason {
	case ReasonClosed:
		b.WriteString("the throttle is closed")
		return b.String()
	case ReasonUnavailable:
		fmt.Fprintf(&b, "the shared budget is unreachable, and no request may go without it: %v", e.Err)
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
		fmt.Fprintf(&b, ", and %d requests are already waiting, the most allowed: retry at %s, or send fewer at a time", e.Queue, at)
	case ReasonDeadline:
		fmt.Fprintf(&b, ", and the request's deadline comes first (in %s): retry at %s, or raise the context deadline or http.Client.Timeout", roundWait(e.Bound), at)
	default:
		fmt.Fprintf(&b, ", longer than the %s it may still wait: retry at %s, or raise MaxWait", roundWait(e.Bound), at)
	}
	return b.String()
}

// Unwrap returns [context.DeadlineExceeded] for ReasonDeadline, and otherwise Err.
func (e *ThrottledError) Unwrap() error {
	if e.Reason == ReasonDeadline {
		return context.DeadlineExceeded
	}
	return e.Err
}

// Timeout reports whether a deadline was the reason, as for a [net.Error].
func (e *ThrottledError) Timeout() bool { return e.Reason == ReasonDeadline }

// roundWait keeps messages readable: milliseconds below a second, tenths below a
// minute, whole seconds above. It rounds up, so that no message says "another 0s".
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
	if up := d + unit - 1; up > d { // unless it overflows
		d = up
	}
	return d.Truncate(unit)
}
