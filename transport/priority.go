package transport

import (
	"context"

	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
)

// Priority is the class of a request: higher classes leave a queue first. No class
// starves: while requests of a class wait in a queue, at least one in eleven that
// leave it is of that class.
type Priority int

const (
	// Batch is work that nobody waits for: imports, nightly jobs.
	Batch Priority = iota - 1
	// Normal is the class of everything else. The zero value.
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

// class returns the priority's class in a line, 0 being the highest.
func (p Priority) class() int { return int(Interactive - min(max(p, Batch), Interactive)) }

// Fails to compile unless a line has as many classes as there are priorities.
const _ = uint(queue.Classes-1-int(Interactive-Batch)) + uint(int(Interactive-Batch)-queue.Classes+1)

// terms is how a request's context asks for it to be treated.
type terms struct {
	priority Priority
	chosen   bool // priority was set
	flow     string
	attempt  int // how many came before
}

type termsKey struct{}

// termsOf returns the terms of a context, which must not be changed.
func termsOf(ctx context.Context) *terms {
	if t, ok := ctx.Value(termsKey{}).(*terms); ok {
		return t
	}
	return &usual
}

var usual terms

func (t terms) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, termsKey{}, &t)
}

// WithPriority returns a context whose requests are of the given class instead of
// [Config.Priority].
func WithPriority(ctx context.Context, p Priority) context.Context {
	t := *termsOf(ctx)
	t.priority, t.chosen = p, true
	return t.in(ctx)
}

// WithFlow returns a context whose requests belong to a named flow, such as a tenant.
// Within a class, flows take turns, so that one flow's many requests do not shut out
// another's few.
func WithFlow(ctx context.Context, name string) context.Context {
	t := *termsOf(ctx)
	t.flow = name
	return t.in(ctx)
}
