package budgettest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Waiting: in order, and without a trace of those who give up.

func firstComeFirstServed(e *env) {
	const callers = 6
	c := e.claim("GET /", e.limit("shared", 1))
	e.spend(c, 0)
	var mu sync.Mutex
	var order []int
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			lease := e.take(c, e.patient())
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			lease.Settle(transport.Answered)
		})
		e.settled()
	}
	all.Wait()
	if !slices.IsSorted(order) || len(order) != callers {
		e.Errorf("served in the order %v", order)
	}
}

func refusalSpendsNothing(e *env) {
	const n = 3
	c := e.claim("GET /", e.limit("shared", n))
	for range n {
		e.spend(c, 0)
	}
	for range 20 {
		_ = e.refused(c)
	}
	time.Sleep(e.window + e.slack)
	for range n {
		e.spend(c, 0)
	}
}

func deadlineIsRefusedBeforehand(e *env) {
	c := e.claim("GET /", e.limit("shared", 1))
	e.spend(c, 0)
	ctx, cancel := context.WithTimeout(context.Background(), e.window/2)
	defer cancel()
	before := e.since()
	_, err := e.budget.Acquire(ctx, c, e.patient())
	var refusal *transport.ThrottledError
	if !errors.As(err, &refusal) || refusal.Reason != transport.ReasonDeadline || !errors.Is(err, context.DeadlineExceeded) {
		e.Fatalf("got %v, want a refusal for the deadline", err)
	}
	e.near("the time it took", e.since()-before, 0)
	e.near("the time to wait", refusal.Wait+e.slack/2, e.window)
	if at := refusal.RetryAt.Sub(e.start); at < e.window-e.slack || at > e.window+2*e.slack {
		e.Errorf("it may be tried again %s after the start, want %s", at, e.window)
	}
}

func cancelLeavesNoTrace(e *env) {
	own, shared := e.limit("own", 1), e.limit("shared", 1)
	mine, others := e.claim("GET /me", own, shared), e.claim("GET /", shared)
	e.spend(others, 0)

	gone, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range 3 { // the first takes a private token and waits for a shared one
		all.Go(func() {
			lease, err := e.budget.Acquire(gone, mine, e.patient())
			if !errors.Is(err, context.Canceled) {
				e.Errorf("got %v, want context.Canceled", err)
			}
			if err == nil {
				lease.Settle(transport.Unsent)
			}
		})
		e.settled()
	}
	var sent moments
	all.Go(func() { // one behind them, who stays
		lease := e.take(mine, e.patient())
		sent.add(e.since())
		lease.Settle(transport.Answered)
	})
	e.settled()
	cancel()
	all.Wait()
	e.near("the one behind was sent", sent.at[0], e.window)

	if _, err := e.budget.Acquire(gone, others, e.patient()); !errors.Is(err, context.Canceled) {
		e.Errorf("a request that is cancelled already: got %v", err)
	}
}

func closeFrees(e *env) {
	c := e.claim("GET /", e.limit("shared", 2))
	e.spend(c, 0)
	out := e.take(c, 0)
	var all sync.WaitGroup
	closed := func() {
		_, err := e.budget.Acquire(context.Background(), c, e.patient())
		var refusal *transport.ThrottledError
		if !errors.As(err, &refusal) || refusal.Reason != transport.ReasonClosed {
			e.Errorf("got %v, want a refusal, since it is closed", err)
		}
	}
	for range 3 {
		all.Go(closed)
	}
	e.settled()
	before := e.since()
	if err := e.budget.Close(); err != nil {
		e.Error(err)
	}
	all.Wait()
	e.near("the time until the waiting were freed", e.since()-before, 0)
	closed()
	out.Settle(transport.Answered) // harmless
}
