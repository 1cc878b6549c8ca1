package budgettest

import (
	"context"
	"errors"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Waiting: in order, and without a trace of those who give up.

func firstComeFirstServed(e *env) {
	e.route("/", e.brief("shared", 1))
	p := e.program()
	all := e.crowd()
	for i, name := range "abcdef" {
		all.times(1, func() { p.get("/?" + string(name)) })
		p.come(i + 1)
	}
	all.Wait()
	if order := e.server.order("/"); order != "abcdef" {
		e.Errorf("served in the order %s", order)
	}
}

func refusalSpendsNothing(e *env) {
	const n = 3
	e.route("/", e.limit("shared", n))
	p := e.program()
	for range n {
		p.now("/")
	}
	for range 20 {
		_ = p.refused("/", e.server.log("")[0].answered+e.window)
	}
	e.pause(1)
	before := len(e.server.log(""))
	for range n {
		p.now("/")
	}
	if !e.real && before != n {
		e.Errorf("%d sent, want %d", before, n)
	}
}

func deadlineIsRefusedBeforehand(e *env) {
	e.route("/", e.limit("shared", 1))
	p := e.program()
	p.now("/")
	ctx, cancel := context.WithTimeout(e.Context(), e.window/2)
	defer cancel()
	before := e.since()
	refusal := e.beforehand(ctx, e.send(ctx, p.patient, "/"))
	if refusal == nil {
		return
	}
	if refusal.Hold != transport.HoldLimit || refusal.Wait > e.window {
		e.Errorf("the refusal says %+v", refusal)
	}
	e.at("refused", e.since(), before)
	e.at("said to be of use", refusal.RetryAt.Sub(e.start), e.server.log("")[0].answered+e.window)
}

// beforehand insists that an error is a refusal for the deadline, before that, and
// returns it. In real time it may be over.
func (e *env) beforehand(ctx context.Context, err error) *transport.ThrottledError {
	e.Helper()
	var refusal *transport.ThrottledError
	switch {
	case e.real && ctx.Err() != nil:
	case !errors.As(err, &refusal) || refusal.Reason != transport.ReasonDeadline || !errors.Is(err, context.DeadlineExceeded):
		e.Fatalf("got %v, want a refusal for the deadline", err)
	case ctx.Err() != nil:
		e.Error("it was refused after its deadline")
	}
	return refusal
}

func cancelLeavesNoTrace(e *env) {
	own, shared := e.limit("own", 1), e.limit("shared", 1)
	e.route("/me", own, shared)
	e.route("/", shared)
	p := e.program()
	p.now("/")

	gone, cancel := context.WithCancel(e.Context())
	all := e.crowd()
	for i := range 3 { // the first takes a private token and waits for a shared one
		all.times(1, func() {
			if err := e.send(gone, p.patient, "/me"); !errors.Is(err, context.Canceled) {
				e.Errorf("got %v, want context.Canceled", err)
			}
		})
		p.come(2 + i)
	}
	all.times(1, func() { p.get("/me") }) // one behind them, who stays
	p.come(5)
	cancel()
	all.Wait()
	first := e.server.log("/")[0]
	if mine := e.server.log("/me"); len(mine) != 1 {
		e.Errorf("%d sent, want 1", len(mine))
	} else {
		e.at("the one behind was sent", mine[0].at, first.answered+e.window)
	}
	if err := e.send(gone, p.patient, "/"); !errors.Is(err, context.Canceled) {
		e.Errorf("a request that is cancelled already: got %v", err)
	}
}

func closeFrees(e *env) {
	e.route("/", e.limit("shared", 2))
	e.server.takes = func(nth int) (way, back time.Duration) {
		if nth == 1 {
			back = e.window / 2
		}
		return 0, back
	}
	p := e.program()
	p.now("/")
	all := e.crowd()
	all.times(1, func() { p.get("/") }) // under way when it closes
	e.eventually("it is under way", func() bool { return len(e.server.log("")) == 2 })
	closed := func() {
		err := e.send(e.Context(), p.patient, "/")
		var refusal *transport.ThrottledError
		if !errors.As(err, &refusal) || refusal.Reason != transport.ReasonClosed {
			e.Errorf("got %v, want a refusal, since it is closed", err)
		}
	}
	all.times(3, closed)
	p.come(5)
	before := e.since()
	for range 2 {
		if err := p.patient.Close(); err != nil {
			e.Error(err)
		}
	}
	closed()
	e.at("closed", e.since(), before)
	all.Wait()
	if n := len(e.server.log("")); n != 2 {
		e.Errorf("%d sent, want 2", n)
	}
}
