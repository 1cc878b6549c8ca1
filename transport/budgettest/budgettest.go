// Package budgettest says what every [transport.Budget] must do, wherever it
// keeps its counts, as tests to run against one.
//
//	func TestMyBudget(t *testing.T) {
//		budgettest.Run(t, func(t *testing.T) transport.Budget { return newMyBudget(t) })
//	}
//
// The tests run in the virtual time of a [testing/synctest] bubble, where a
// window of ten seconds costs nothing. A budget that needs a socket cannot live
// there and is tested in [RealTime].
package budgettest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Option changes how [Run] runs the tests.
type Option func(*setting)

type setting struct {
	window time.Duration
	slack  time.Duration
	real   bool
}

// RealTime runs the tests outside of a bubble, with windows of the given length,
// one test after another. What should happen at a moment may happen up to slack
// later, which has to be a quarter of the window at most.
func RealTime(window, slack time.Duration) Option {
	return func(s *setting) { s.window, s.slack, s.real = window, slack, true }
}

// Run tests the budgets that newBudget returns: a new one for each test, or one
// that they share, since every test has keys of its own. It closes none but in
// the test of Close, which needs one to itself.
func Run(t *testing.T, newBudget func(t *testing.T) transport.Budget, opts ...Option) {
	t.Helper()
	s := setting{window: 10 * time.Second}
	for _, f := range opts {
		f(&s)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body := func(t *testing.T) {
				start := time.Now()
				test.run(&env{
					T: t, setting: s, budget: newBudget(t), start: start,
					prefix: fmt.Sprintf("%s %d ", test.name, start.UnixNano()),
				})
			}
			if s.real {
				body(t)
			} else {
				synctest.Test(t, body)
			}
		})
	}
}

var tests = []struct {
	name string
	run  func(*env)
}{
	{"never more than N in a window", neverMoreThanN},
	{"N at once when idle", nAtOnceWhenIdle},
	{"a token is free a window after its answer", tokenComesBackAWindowLater},
	{"first come first served", firstComeFirstServed},
	{"a refusal spends nothing", refusalSpendsNothing},
	{"a deadline is refused beforehand", deadlineIsRefusedBeforehand},
	{"a cancelled wait leaves no trace", cancelLeavesNoTrace},
	{"outcomes", outcomes},
	{"a block holds everybody", blockHoldsEverybody},
	{"a block leaves other endpoints alone", blockLeavesOthersAlone},
	{"a block only grows", blockOnlyGrows},
	{"a blind 429 backs off", blindBacksOff},
	{"several limits at once", severalLimits},
	{"a private limit before the shared one", privateBeforeShared},
	{"the snapshot adds up", snapshotAddsUp},
	{"close", closeFrees},
}

// env is what a test has to work with.
type env struct {
	*testing.T
	setting
	budget transport.Budget
	start  time.Time
	prefix string // of every key, so that tests can share a budget
}

// limit is a limit of n a window, under a key of this test's own.
func (e *env) limit(key string, n int) transport.Limit {
	return transport.Limit{Name: key, Key: e.prefix + key, N: n, Window: e.window}
}

// claim draws on the given limits, at an endpoint of the given name.
func (e *env) claim(endpoint string, limits ...transport.Limit) *transport.Claim {
	return &transport.Claim{Endpoint: endpoint, Key: e.prefix + endpoint, Limits: limits}
}

// patient is longer than any wait of these tests.
func (e *env) patient() time.Duration { return e.windows(100) }

// take acquires a lease and insists on it. Any goroutine may call it.
func (e *env) take(c *transport.Claim, maxWait time.Duration) transport.Lease {
	e.Helper()
	lease, err := e.budget.Acquire(context.Background(), c, maxWait)
	if err != nil {
		e.Errorf("%s after the start: %v", e.since(), err)
		return nothing{}
	}
	return lease
}

// spend acquires a lease within maxWait and settles it as answered.
func (e *env) spend(c *transport.Claim, maxWait time.Duration) {
	e.Helper()
	e.take(c, maxWait).Settle(transport.Answered)
}

// refused insists on a refusal, for the bound, of a request that may not wait.
func (e *env) refused(c *transport.Claim) *transport.ThrottledError {
	e.Helper()
	lease, err := e.budget.Acquire(context.Background(), c, 0)
	var refusal *transport.ThrottledError
	if !errors.As(err, &refusal) || refusal.Reason != transport.ReasonMaxWait {
		e.Errorf("%s after the start: got %v, want a refusal for the bound", e.since(), err)
		if err == nil {
			lease.Settle(transport.Unsent)
		}
		return &transport.ThrottledError{}
	}
	return refusal
}

// nothing stands for a lease that was not given.
type nothing struct{}

func (nothing) Waited() time.Duration    { return 0 }
func (nothing) Block(time.Duration)      {}
func (nothing) Settle(transport.Outcome) {}

func (e *env) since() time.Duration { return time.Since(e.start) }

// until sleeps until so many windows after the start, and as much longer as the
// budget may be late.
func (e *env) until(windows float64) {
	time.Sleep(time.Until(e.start.Add(e.windows(windows) + e.slack)))
}

func (e *env) windows(n float64) time.Duration { return time.Duration(n * float64(e.window)) }

// settled waits until what other goroutines started has come to rest.
func (e *env) settled() {
	if e.real {
		time.Sleep(e.slack / 5)
	} else {
		synctest.Wait()
	}
}

// near insists that a moment, or a time, is what it should be or a little more.
// Clocks that are read twice may make it a hair less.
func (e *env) near(what string, got, want time.Duration) {
	e.Helper()
	if got < want-e.slack/10 || got > want+e.slack {
		e.Errorf("%s is %s, want %s", what, got, want)
	}
}

// moments collects times since the start, from many goroutines.
type moments struct {
	mu sync.Mutex
	at []time.Duration
}

func (m *moments) add(t time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = append(m.at, t)
}
