package clerkthrottle

import (
	"context"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// These are package transport's, so that one import is enough. Only a budget of
// your own for [WithBudget] needs package transport itself.
type (
	// Transport is what [NewTransport] returns: an [net/http.RoundTripper] with
	// Snapshot, Estimate and Close.
	Transport = transport.Transport
	// ThrottledError is the error of a request that was not sent, because it would
	// have had to wait longer than it may. Find it with [errors.As].
	ThrottledError = transport.ThrottledError
	// Reason says why a request was refused instead of waiting.
	Reason = transport.Reason
	// Hold says what a request waited for, or would have.
	Hold = transport.Hold
	// Snapshot describes the limits and endpoints in use at one moment.
	Snapshot = transport.Snapshot
	// Priority is the class of a request: who goes first where there is a line.
	Priority = transport.Priority

	// Observer holds functions for [WithObserver] to call, with the events below.
	Observer = transport.Observer
	// WaitEvent describes a request that waited.
	WaitEvent = transport.WaitEvent
	// AnswerEvent describes an attempt that has ended.
	AnswerEvent = transport.AnswerEvent
	// RetryEvent describes an attempt that failed, and whether it is repeated.
	RetryEvent = transport.RetryEvent
	// BlockEvent describes an endpoint that a 429 has blocked, or whose block ended.
	BlockEvent = transport.BlockEvent
	// RateEvent describes a rate that was learned from 429s, or forgotten.
	RateEvent = transport.RateEvent
)

// Why a request did not wait, and what for.
const (
	ReasonDeadline  = transport.ReasonDeadline  // its context's deadline, or the client's Timeout, comes first
	ReasonMaxWait   = transport.ReasonMaxWait   // longer than [WithMaxWait]
	ReasonQueueFull = transport.ReasonQueueFull // as many wait as [WithMaxQueue] allows
	ReasonClosed    = transport.ReasonClosed    // the transport was closed
	// ReasonUnavailable: the budget of [WithBudget] cannot be reached, and was told to
	// let nothing through without it.
	ReasonUnavailable = transport.ReasonUnavailable

	HoldBlock = transport.HoldBlock // the endpoint is blocked after a 429
	HoldLimit = transport.HoldLimit // a documented limit is used up
	HoldRate  = transport.HoldRate  // the rate learned from 429s leaves no room yet
)

// The classes, from the one that goes first to the one that goes last. None
// starves: at least one in eleven requests that leave a line is of each class that
// waits there.
const (
	Interactive = transport.Interactive // work that a person waits for, such as a sign-in page
	Normal      = transport.Normal      // everything else; the default
	Batch       = transport.Batch       // work that nobody waits for, such as an import
)

// WithPriority returns a context whose requests are of the given class, whatever
// the transport's default.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return transport.WithPriority(ctx, p)
}

// WithFlow returns a context whose requests belong to a named flow, such as
// "tenant-42". Within a class, flows take turns, so that one tenant's thousand
// calls do not shut out another's one. Requests of no flow are one flow.
func WithFlow(ctx context.Context, name string) context.Context {
	return transport.WithFlow(ctx, name)
}
