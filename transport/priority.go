package transport

import (
	"context"

	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
)

// Priority is the class of a request: who goes first where there is a line. No
// class starves: as long as requests of a class wait in a line, at least one in
// eleven that go from it is of that class.
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

// class returns the priority's class in a line, the best being 0.
func (p Priority) class() int { return int(Interactive - min(max(p, Batch), Interactive)) }

// There are as many priorities as a line has classes.
const _ = uint(queue.Classes-1-int(Interactive-Batch)) + uint(int(Interactive-Batch)-queue.Classes+1)

// terms are what a request's context says of how to treat it.
type terms struct {
	priority Priority
	chosen   bool // a priority was
	flow     string
	attempt  int // how many attempts there were before
}

type termsKey struct{}

// termsOf returns what a context says, which nobody changes.
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

// WithPriority returns a context whose requests are of the given class, instead
// of [Config.Priority].
func WithPriority(ctx context.Context, p Priority) context.Context {
	t := *termsOf(ctx)
	t.priority, t.chosen = p, true
	return t.in(ctx)
}

// WithFlow returns a context whose requests belong to a named flow, such as a
// tenant: within a class, flows take turns, so that one flow's many requests do
// not shut out another's few.
func WithFlow(ctx context.Context, name string) context.Context {
	t := *termsOf(ctx)
	t.flow = name
	return t.in(ctx)
}
