package clerkthrottle

import (
	"context"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Priority is the class of a request: who goes first where there is a line. See
// [transport.Priority].
type Priority = transport.Priority

// The classes, from the one that goes first to the one that goes last. None of
// them starves: as long as requests of a class wait in a line, at least one in
// eleven that go from it is of that class.
const (
	// Interactive is work that a person waits for, such as a sign-in page.
	Interactive = transport.Interactive
	// Normal is everything else; the default.
	Normal = transport.Normal
	// Batch is work that nobody waits for, such as an import.
	Batch = transport.Batch
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
