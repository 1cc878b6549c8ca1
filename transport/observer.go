package transport

import (
	"context"
	"time"
)

// Observer holds functions that the throttle calls when something happens. Any may be
// nil. They are called concurrently and without locks, by the goroutine of the request
// concerned or by a timer, so events of different requests may arrive out of order. A
// function that blocks delays only that request. It may use the transport. No event
// holds a secret.
type Observer struct {
	// Waited is called when a request that had to wait is about to be sent.
	Waited func(context.Context, WaitEvent)
	// Refused is called when a request is refused.
	Refused func(context.Context, *ThrottledError)
	// Answered is called after every attempt, whether answered or failed.
	Answered func(context.Context, AnswerEvent)
	// Retrying is called when an attempt will be retried, before the wait.
	Retrying func(context.Context, RetryEvent)
	// RetryDenied is called instead when the retry budget is exhausted: the failure
	// is returned to the caller.
	RetryDenied func(context.Context, RetryEvent)
	// Blocked is called when an endpoint is blocked, and again when its block is
	// extended by at least a second.
	Blocked func(BlockEvent)
	// Unblocked is called when an endpoint's block has ended.
	Unblocked func(BlockEvent)
	// RateChanged is called when 429s change an endpoint's learned rate, and at the
	// first request or snapshot after that rate no longer applies.
	RateChanged func(RateEvent)
}

// WaitEvent describes a request that waited.
type WaitEvent struct {
	Endpoint string
	Key      string // of the endpoint's gate, see [Claim]
	Priority Priority
	Hold     Hold          // what it waited for longest
	Limit    string        // the limit's name, with HoldLimit and HoldRate
	Start    time.Time     // when the wait began
	Wait     time.Duration // how long it took
	DryRun   bool          // it did not wait: Wait is how long it would have
}

// AnswerEvent describes an attempt that has ended.
type AnswerEvent struct {
	Endpoint string
	Key      string
	Priority Priority
	Attempt  int // 1 for the first
	Status   int // 0 without an answer
	// Outcome is "answered"; "throttled" for a 429; "ruled" for a 429 that names a
	// rule that waiting does not cure; "failed" without an answer; or "unsent" if the
	// request certainly did not reach the server.
	Outcome  string
	Duration time.Duration // from sending to the answer's header, or a 429's body
}

// RetryEvent describes an attempt that failed, whether it is retried or not.
type RetryEvent struct {
	Endpoint string
	Key      string
	Attempt  int           // the number of the attempt that failed, from 1
	Status   int           // its status; 0 without an answer
	Pause    time.Duration // before the next attempt; 0 after a 429, which the gate waits out
}

// BlockEvent describes an endpoint that a 429 has blocked, or whose block has ended.
type BlockEvent struct {
	Endpoint string
	Key      string
	Until    time.Time // the end of the block
	For      time.Duration
}

// RateEvent describes a change of an endpoint's learned rate.
type RateEvent struct {
	Endpoint   string
	Key        string
	Rate       float64 // requests per second from now on
	Documented float64 // requests per second by the documented limit
	Learned    bool    // false: the documented rate applies again
}
