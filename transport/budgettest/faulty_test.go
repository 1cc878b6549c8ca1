package budgettest_test

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/budgettest"
)

// fault is a mistake that a Budget can make, and the test that finds it.
type fault struct {
	name, found string
	report      func(*transport.Report)                    // before the exchange
	answer      func(*transport.Report, *transport.Answer) // after it
	strangers   bool                                       // programs do not know of each other
	err         error
}

// eachShare is a fault of every share in an answer.
func eachShare(change func(transport.Usage, *transport.Share)) func(*transport.Report, *transport.Answer) {
	return func(r *transport.Report, a *transport.Answer) {
		for i := range a.Shares {
			change(r.Limits[i], &a.Shares[i])
		}
	}
}

var faults = []fault{
	{name: "programs do not know of each other", found: "never more than N in a window", strangers: true},
	{name: "half of the window", found: "never more than N in a window", answer: eachShare(func(_ transport.Usage, s *transport.Share) { s.Window /= 2 })},
	{name: "a window and a half", found: "a token is free a window after its answer", answer: eachShare(func(_ transport.Usage, s *transport.Share) { s.Window += s.Window / 2 })},
	{name: "no token", found: "N at once when idle", answer: eachShare(func(_ transport.Usage, s *transport.Share) { s.Owned = 0 })},
	{name: "a token short", found: "N at once when idle", answer: eachShare(func(u transport.Usage, s *transport.Share) { s.Owned = min(s.Owned, max(1, u.N-1)) })},
	{name: "tokens are taken away", found: "N at once when idle", answer: eachShare(func(u transport.Usage, s *transport.Share) { s.Owned = min(s.Owned, max(1, u.Owned-1)) })},
	{name: "nothing is asked back", found: "being idle leaves tokens to others", answer: eachShare(func(_ transport.Usage, s *transport.Share) { s.Keep = math.MaxInt32 })},
	{name: "nothing may be kept", found: "the same to two programs", answer: eachShare(func(_ transport.Usage, s *transport.Share) { s.Keep, s.Part = 0, 1 })},
	{name: "everybody asks for all", found: "closing leaves tokens to others", report: func(r *transport.Report) {
		for i := range r.Limits {
			r.Limits[i].Need.Interactive += r.Limits[i].N
		}
	}},
	{name: "all classes are one", found: "better classes of either program go first", report: func(r *transport.Report) {
		for i := range r.Limits {
			need := &r.Limits[i].Need
			*need = transport.Classes{Normal: need.Interactive + need.Normal + need.Batch}
		}
	}},
	{name: "no reserve", found: "a reserve holds between programs", report: func(r *transport.Report) {
		for i := range r.Limits {
			r.Limits[i].Reserve = transport.Classes{}
		}
	}},
	{name: "what is given back is lost", found: "closing leaves tokens to others", report: func(r *transport.Report) {
		for i := range r.Limits {
			r.Limits[i].Owned = max(r.Limits[i].Owned, r.Limits[i].N/2)
		}
	}},
	{name: "blocks are kept to oneself", found: "a block holds everybody", answer: func(_ *transport.Report, a *transport.Answer) { a.Blocks = nil }},
	{name: "blocks end early", found: "a block holds everybody", report: func(r *transport.Report) {
		for i := range r.Blocks {
			r.Blocks[i].For /= 2
		}
	}},
	{name: "blocks last too long", found: "a block holds everybody", report: func(r *transport.Report) {
		for i := range r.Blocks {
			r.Blocks[i].For *= 2
		}
	}},
	{name: "it fails", found: "N at once when idle", err: errors.New("it fails")},
	{name: "it is away", found: "everything is told", answer: func(_ *transport.Report, a *transport.Answer) { a.Err = errors.New("it is away") }},
}

// faulty is a Memory that makes a mistake.
type faulty struct {
	budgettest.Memory
	*fault
}

func (f *faulty) Join() transport.Member {
	if f.strangers {
		return &mistaken{new(budgettest.Memory).Join(), f.fault}
	}
	return &mistaken{f.Memory.Join(), f.fault}
}

type mistaken struct {
	transport.Member
	*fault
}

func (m *mistaken) Exchange(ctx context.Context, r *transport.Report) (*transport.Answer, error) {
	if m.err != nil {
		return nil, m.err
	}
	if m.report != nil {
		m.report(r)
	}
	a, err := m.Member.Exchange(ctx, r)
	if m.answer != nil {
		m.answer(r, a)
	}
	return a, err
}

const faultVariable = "BUDGETTEST_FAULT"

// Each fault is found by the test that says what it violates. A suite that fails
// cannot be run within a test that passes: it runs in a process of its own.
func TestFaultsAreFound(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			if os.Getenv(faultVariable) == f.name {
				budgettest.Run(t, func(*testing.T) transport.Budget { return &faulty{fault: &f} })
				return
			}
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v", "-test.timeout=5m")
			cmd.Env = append(os.Environ(), faultVariable+"="+f.name)
			out, _ := cmd.CombinedOutput()
			var failed []string
			for _, line := range strings.Split(string(out), "\n") {
				if _, name, ok := strings.Cut(line, "--- FAIL: "+t.Name()+"/"); ok {
					failed = append(failed, name[:strings.Index(name, " ")])
				}
			}
			if !slices.Contains(failed, strings.ReplaceAll(f.found, " ", "_")) {
				t.Errorf("%q does not fail, only %q", f.found, failed)
			}
			t.Log(failed)
		})
	}
}
