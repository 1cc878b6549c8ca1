package transport

import "context"

// Priority is the class of a request: who goes first where there is a line.
type Priority int

const (
	// Batch is work that nobody waits for: imports, nightly jobs.
	Batch Priority = iota - 1
	// Normal is everything else. The zero value.
	Normal
	// Interactive is work that a person waits for.
	Interactive
)

// String returns "batch", "normal" or "interactive".
func (p Priority) String() string {
	switch {
	case p <= Batch:
		return "batch"
	case p >= Interactive:
		return "interactive"
	default:
		return "normal"
	}
}

type (
	priorityKey struct{}
	flowKey     struct{}
)

// WithPriority returns a context whose requests are of the given class.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

// WithFlow returns a context whose requests belong to a named flow, such as a
// tenant: within a class, flows take turns, so that one flow's many requests do
// not shut out another's few.
func WithFlow(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, flowKey{}, name)
}
