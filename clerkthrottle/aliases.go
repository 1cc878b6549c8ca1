package clerkthrottle

import (
	"context"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Aliases of package transport's types, so that one import is enough. Only writing a
// budget of your own for [WithBudget] needs package transport itself.
type (
	// Transport is what [NewTransport] returns: an [net/http.RoundTripper] with
	// Snapshot, Estimate and Close.
	Transport = transport.Transport
	// ThrottledError is the error of a request that was refused, usually because it
	// would have had to wait too long. Find it with [errors.As].
	ThrottledError = transport.ThrottledError
	// Reason is why a request was refused instead of waiting.
	Reason = transport.Reason
	// Hold is what a request waited for, or would have.
	Hold = transport.Hold
	// Snapshot is the state of the limits and endpoints in use at one moment.
	Snapshot = transport.Snapshot
	// Priority is the class of a request: higher classes leave a queue first.
	Priority = transport.Priority

	// Observer holds the functions for [WithObserver], which get the events below.
	Observer = transport.Observer
	// WaitEvent describes a request that waited.
	WaitEvent = transport.WaitEvent
	// AnswerEvent describes an attempt that has ended.
	AnswerEvent = transport.AnswerEvent
	// RetryEvent describes an attempt that failed, whether it is retried or not.
	RetryEvent = transport.RetryEvent
	// BlockEvent describes an endpoint that a 429 has blocked, or whose block ended.
	BlockEvent = transport.BlockEvent
	// RateEvent describes a change of the rate learned from 429s.
	RateEvent = transport.RateEvent
)

// Why a request was refused, and what it waited for.
const (
	ReasonDeadline  = transport.ReasonDeadline  // its context's deadline, or the client's Timeout, comes first
	ReasonMaxWait   = transport.ReasonMaxWait   // the wait would exceed [WithMaxWait]
	ReasonQueueFull = transport.ReasonQueueFull // as many requests wait as [WithMaxQueue] allows
	ReasonClosed    = transport.ReasonClosed    // the transport was closed
	// ReasonUnavailable: the budget of [WithBudget] is unreachable, and is configured to
	// let no request go without it.
	ReasonUnavailable = transport.ReasonUnavailable

	HoldBlock = transport.HoldBlock // the endpoint is blocked after a 429
	HoldLimit = transport.HoldLimit // a limit is used up
	HoldRate  = transport.HoldRate  // the rate learned from 429s leaves no room yet
)

// The classes, from highest to lowest. None starves: of the requests that leave a
// queue, at least one in eleven is of each class that waits there.
const (
	Interactive = transport.Interactive // work that a person waits for, such as a sign-in page
	Normal      = transport.Normal      // everything else; the default
	Batch       = transport.Batch       // work that nobody waits for, such as an import
)

// WithPriority returns a context whose requests are of the given class, instead of
// that of [WithDefaultPriority].
func WithPriority(ctx context.Context, p Priority) context.Context {
	return transport.WithPriority(ctx, p)
}

// WithFlow returns a context whose requests belong to a named flow, such as
// "tenant-42". Within a class, flows take turns, so that one tenant's thousand calls do
// not hold up another's single one. Requests without a flow form a flow of their own.
func WithFlow(ctx context.Context, name string) context.Context {
	return transport.WithFlow(ctx, name)
}
