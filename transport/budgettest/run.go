package budgettest

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Option configures [Run].
type Option func(*setting)

type setting struct {
	window time.Duration
	slack  time.Duration
	real   bool
}

// RealTime runs the tests outside a bubble, in parallel, with windows of the given
// length. Then nothing may happen too early, but anything may happen late: slow
// machines fail no test. Where a test needs a budget to do something first, it allows
// slack for it.
func RealTime(window, slack time.Duration) Option {
	return func(s *setting) { s.window, s.slack, s.real = window, slack, true }
}

// Slack allows everything to happen up to d late. It is for budgets in a bubble whose
// exchanges take virtual time.
func Slack(d time.Duration) Option { return func(s *setting) { s.slack = d } }

// Run tests transports on the budgets that newBudget returns. It may return a new
// budget for each test, or a shared one, since every test has its own keys; nil means
// no budget, which skips what concerns several programs. newBudget must wait until
// its budget hands out tokens.
func Run(t *testing.T, newBudget func(t *testing.T) transport.Budget, opts ...Option) {
	t.Helper()
	s := setting{window: 10 * time.Second}
	for _, f := range opts {
		f(&s)
	}
	for _, test := range tests {
		body := func(t *testing.T) {
			e := &env{T: t, setting: s, budget: newBudget(t), start: time.Now(), routes: make(map[string][]transport.Limit)}
			e.prefix = fmt.Sprintf("%s %d ", t.Name(), e.start.UnixNano())
			e.server = &server{start: e.start, script: make(map[string][]answer), held: make(map[string]chan struct{})}
			e.Cleanup(e.checkWindows)
			e.Cleanup(e.stop)
			test.run(e)
		}
		t.Run(test.name, func(t *testing.T) {
			if !s.real {
				synctest.Test(t, body)
				return
			}
			t.Parallel()
			body(t)
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
	{"outcomes", outcomes},
	{"several limits at once", severalLimits},
	{"many private limits", manyPrivateLimits},

	{"classes and flows take turns", takeTurns},
	{"a cancelled wait leaves no trace", cancelLeavesNoTrace},
	{"a hopeless deadline is refused at once", hopelessDeadlineIsRefused},
	{"the queue has a bound", queueHasABound},

	{"two programs share equally", shareEqually},
	{"higher classes go first in either program", higherClassesFirst},
	{"a reserve holds between programs", reserveHolds},
	{"closing leaves tokens to others", closingLeavesTokens},
	{"being idle leaves tokens to others", idleLeavesTokens},

	{"a block holds all programs", blockHoldsAllPrograms},
	{"a learned rate applies until it has climbed back", learnedRateApplies},
	{"a learned rate refuses as without a budget", learnedRateRefusesTheSame},

	{"an estimate is the wait that follows", estimateIsTheWait},
	{"a dry run delays nothing", dryRunDelaysNothing},
	{"observers and the snapshot report everything", everythingIsReported},
}
