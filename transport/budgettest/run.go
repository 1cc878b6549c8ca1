package budgettest

import (
	"fmt"
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

// RealTime runs the tests outside of a bubble, in parallel, with windows of the given
// length. There, nothing may come too early, and anything may come late: slow machines
// fail no test. They give a budget the slack to let something happen of which they
// look at the effect.
func RealTime(window, slack time.Duration) Option {
	return func(s *setting) { s.window, s.slack, s.real = window, slack, true }
}

// Slack is for budgets in a bubble that take some virtual time for an exchange:
// what should happen at a moment may happen so much later.
func Slack(d time.Duration) Option { return func(s *setting) { s.slack = d } }

// Run tests transports whose tokens lie with the budgets that newBudget returns: a
// new one for each test, or one that they share, since every test has keys of its
// own; nil stands for none, which leaves out what concerns several programs. A
// budget that has to come up before it hands out tokens is returned when it has.
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
			e.Cleanup(e.exact)
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

	{"everyone in turn", everyoneInTurn},
	{"a cancelled wait leaves no trace", cancelLeavesNoTrace},
	{"a deadline is refused beforehand", deadlineIsRefusedBeforehand},
	{"the queue has a bound", queueHasABound},

	{"the same to two programs", sameToBoth},
	{"better classes of either program go first", betterClassesOfEither},
	{"a reserve holds between programs", reserveHolds},
	{"closing leaves tokens to others", closingLeavesTokens},
	{"being idle leaves tokens to others", idleLeavesTokens},

	{"a block holds everybody", blockHoldsEverybody},
	{"a learned rate paces until it is forgotten", learnedRatePaces},
	{"a learned rate refuses as without a budget", learnedRateRefusesTheSame},

	{"an estimate is the wait that follows", estimateIsTheWait},
	{"a dry run holds nobody", dryRunHoldsNobody},
	{"everything is told", everythingIsTold},
}
