package transport

import (
	"context"
	"time"
)

// Observer is told what the throttle does. Every field may be nil, and costs
// nothing then. The functions are called outside of all locks, by the goroutine
// of the request that they concern, or by a timer; many at once, so that events of
// different requests may overtake each other. One that blocks holds up that request
// only. They may use the transport. No event holds a secret.
type Observer struct {
	// Waited is called after a request was held back, when it is about to be
	// sent.
	Waited func(context.Context, WaitEvent)
	// Refused is called when a request is not sent.
	Refused func(context.Context, *ThrottledError)
	// Answered is called for every answer, and every failure, of an attempt.
	Answered func(context.Context, AnswerEvent)
	// Retrying is called when an attempt is to be repeated, before the wait.
	Retrying func(context.Context, RetryEvent)
	// RetryDenied is called instead where the retry budget is spent: the failure
	// goes back to the caller.
	RetryDenied func(context.Context, RetryEvent)
	// Blocked is called when an endpoint is blocked, or for at least a second
	// longer than was told before.
	Blocked func(BlockEvent)
	// Unblocked is called when the block of an endpoint has ended.
	Unblocked func(BlockEvent)
	// RateChanged is called when 429s change the rate that an endpoint may keep,
	// and with the first request, or snapshot, after the last trace of them is
	// forgotten.
	RateChanged func(RateEvent)
}

// WaitEvent tells of a request that waited.
type WaitEvent struct {
	Endpoint string
	Key      string // of the endpoint's gate, see [Claim]
	Priority Priority
	Hold     Hold          // what it waited for the longest
	Limit    string        // the limit's name, with HoldLimit and HoldRate
	Start    time.Time     // when the wait began
	Wait     time.Duration // how long it took
	DryRun   bool          // it was not held back: this is what it would have waited
}

// AnswerEvent tells of an attempt that is over.
type AnswerEvent struct {
	Endpoint string
	Key      string
	Priority Priority
	Attempt  int // 1 for the first
	Status   int // 0 where no answer came
	// Outcome is "answered"; "throttled", by a 429; "ruled", by a 429 that names a
	// rule which no waiting cures; "failed", without an answer; or "unsent", where
	// the request surely did not reach the server.
	Outcome  string
	Duration time.Duration // from sending until the answer's header, and a 429's body, was in
}

// RetryEvent tells of an attempt that failed, and is to be repeated or not.
type RetryEvent struct {
	Endpoint string
	Key      string
	Attempt  int           // the number of the attempt that failed, from 1
	Status   int           // its status; 0 where no answer came
	Pause    time.Duration // before the next one; a 429 is waited out at the gate instead
}

// BlockEvent tells of an endpoint that is blocked after a 429, or no longer.
type BlockEvent struct {
	Endpoint string
	Key      string
	Until    time.Time // the end of the block
	For      time.Duration
}

// RateEvent tells of a learned rate.
type RateEvent struct {
	Endpoint   string
	Key        string
	Rate       float64 // requests per second from now on
	Documented float64 // requests per second by the documented limit
	Learned    bool    // false: the documented rate holds again
}
