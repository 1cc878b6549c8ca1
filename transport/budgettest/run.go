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
			budget, start := newBudget(t), time.Now()
			test.run(&env{
				T: t, setting: s, budget: budget, start: start, server: &server{start: start},
				routes: make(map[string]*route), prefix: fmt.Sprintf("%s %d ", t.Name(), start.UnixNano()),
			})
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
	{"a private limit before the shared one", privateBeforeShared},
	{"many private limits", manyPrivateLimits},
	{"private limits past the bound", privateLimitsPastTheBound},

	{"first come first served", firstComeFirstServed},
	{"a refusal spends nothing", refusalSpendsNothing},
	{"a deadline is refused beforehand", deadlineIsRefusedBeforehand},
	{"a cancelled wait leaves no trace", cancelLeavesNoTrace},
	{"close", closeFrees},
	{"better classes go first", betterClassesGoFirst},
	{"no class starves", noClassStarves},
	{"flows take turns", flowsTakeTurns},
	{"a reserve outlasts a burst", reserveOutlastsABurst},
	{"the queue has a bound", queueHasABound},

	{"a block holds everybody", blockHoldsEverybody},
	{"a block leaves other endpoints alone", blockLeavesOthersAlone},
	{"a block only grows", blockOnlyGrows},
	{"a blind 429 backs off", blindBacksOff},
	{"a block up to the deadline is refused at once", blockUpToTheDeadline},
	{"a learned rate paces", learnedRatePaces},
	{"a learned rate refuses as without a budget", learnedRateRefusesTheSame},
	{"a learned rate is forgotten", learnedRateIsForgotten},

	{"an estimate is the wait that follows", estimateIsTheWait},
	{"a dry run holds nobody", dryRunHoldsNobody},
	{"observers are told", observersAreTold},
	{"the snapshot adds up", snapshotAddsUp},

	{"two programs: never more than N in a window", neverMoreThanNOfTwo},
	{"two programs: the same to both", sameToBoth},
	{"two programs: better classes of either go first", betterClassesOfEither},
	{"two programs: a reserve holds between them", reserveHoldsBetween},
	{"two programs: a block reaches the other", blockReachesTheOther},
	{"two programs: who closes leaves his tokens", closingLeavesTokens},
	{"two programs: who is idle leaves his tokens", idleLeavesTokens},
}
