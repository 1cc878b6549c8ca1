package clerkthrottle

import (
	"context"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// What a program meets of package transport, so that one import is enough. Its
// own documentation has the details; those who write a [WithBudget] of their own
// import it.
type (
	// Transport is what [NewTransport] returns: an [net/http.RoundTripper] with
	// Snapshot, Estimate and Close.
	Transport = transport.Transport
	// ThrottledError tells that a request was not sent, because it would have
	// had to wait longer than it may. Get at it with [errors.As].
	ThrottledError = transport.ThrottledError
	// Reason is a [ThrottledError]'s: why the request did not wait.
	Reason = transport.Reason
	// Hold is what a request waited for, or would have.
	Hold = transport.Hold
	// Snapshot describes the limits and endpoints in use at one moment.
	Snapshot = transport.Snapshot
	// Priority is the class of a request: who goes first where there is a line.
	Priority = transport.Priority

	// Observer holds the functions that [WithObserver] has called, with the
	// events below.
	Observer = transport.Observer
	// WaitEvent tells of a request that waited.
	WaitEvent = transport.WaitEvent
	// AnswerEvent tells of an attempt that is over.
	AnswerEvent = transport.AnswerEvent
	// RetryEvent tells of an attempt that is to be repeated.
	RetryEvent = transport.RetryEvent
	// BlockEvent tells of an endpoint that is blocked after a 429, or no longer.
	BlockEvent = transport.BlockEvent
	// RateEvent tells of a learned rate.
	RateEvent = transport.RateEvent
)

// Why a request did not wait, and what for.
const (
	ReasonDeadline  = transport.ReasonDeadline  // its context's deadline, or the client's Timeout, comes first
	ReasonMaxWait   = transport.ReasonMaxWait   // longer than [WithMaxWait]
	ReasonQueueFull = transport.ReasonQueueFull // as many wait as [WithMaxQueue] allows
	ReasonClosed    = transport.ReasonClosed    // the transport was closed
	// ReasonUnavailable: the budget of [WithBudget] cannot be reached, and is set to
	// let nothing go on without it.
	ReasonUnavailable = transport.ReasonUnavailable

	HoldBlock = transport.HoldBlock // the endpoint is blocked after a 429
	HoldLimit = transport.HoldLimit // a documented limit is used up
	HoldRate  = transport.HoldRate  // the rate learned from 429s leaves no room yet
)

// The classes, from the one that goes first to the one that goes last. None of
// them starves: as long as requests of a class wait in a line, at least one in
// eleven that go from it is of that class.
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
