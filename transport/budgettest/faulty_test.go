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
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// fault is a fault that a Budget can have, and the test that finds it.
type fault struct {
	name, found string
	strangers   bool                                    // programs do not know of each other
	usage       func(*transport.Usage)                  // changes a program's report
	block       func(*transport.Block)                  // changes a reported block
	share       func(transport.Usage, *transport.Share) // changes the answer
	answer      func(*transport.Answer)
	err         error
}

var faults = []fault{
	{name: "programs do not know of each other", found: "never more than N in a window", strangers: true},
	{name: "half of the window", found: "never more than N in a window", share: func(_ transport.Usage, s *transport.Share) { s.Window /= 2 }},
	{name: "a window and a half", found: "a token is free a window after its answer", share: func(_ transport.Usage, s *transport.Share) { s.Window += s.Window / 2 }},
	{name: "no token", found: "N at once when idle", share: func(_ transport.Usage, s *transport.Share) { s.Owned = 0 }},
	{name: "a token short", found: "N at once when idle", share: func(u transport.Usage, s *transport.Share) { s.Owned = min(s.Owned, max(1, u.N-1)) }},
	{name: "tokens are taken away", found: "N at once when idle", share: func(u transport.Usage, s *transport.Share) { s.Owned = min(s.Owned, max(1, u.Owned-1)) }},
	{name: "nothing is asked back", found: "being idle leaves tokens to others", share: func(_ transport.Usage, s *transport.Share) { s.Keep = math.MaxInt32 }},
	{name: "nothing may be kept", found: "two programs share equally", share: func(_ transport.Usage, s *transport.Share) { s.Keep, s.Part = 0, 1 }},
	{name: "all programs need everything", found: "closing leaves tokens to others", usage: func(u *transport.Usage) { u.Need.Interactive += u.N }},
	{name: "all classes are one", found: "higher classes go first in either program", usage: func(u *transport.Usage) {
		u.Need = snapshot.Classes{Normal: u.Need.Interactive + u.Need.Normal + u.Need.Batch}
	}},
	{name: "no reserve", found: "a reserve holds between programs", usage: func(u *transport.Usage) { u.Reserve = snapshot.Classes{} }},
	{name: "what is given back is lost", found: "closing leaves tokens to others", usage: func(u *transport.Usage) { u.Owned = max(u.Owned, u.N/2) }},
	{name: "blocks are not relayed", found: "a block holds all programs", answer: func(a *transport.Answer) { a.Blocks = nil }},
	{name: "blocks end early", found: "a block holds all programs", block: func(b *transport.Block) { b.For /= 2 }},
	{name: "blocks last too long", found: "a block holds all programs", block: func(b *transport.Block) { b.For *= 2 }},
	{name: "it fails", found: "N at once when idle", err: errors.New("it fails")},
	{name: "it is away", found: "observers and the snapshot report everything", answer: func(a *transport.Answer) { a.Err = errors.New("it is away") }},
}

// faulty is a Memory with a fault.
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
	for i := range r.Limits {
		if m.usage != nil {
			m.usage(&r.Limits[i])
		}
	}
	for i := range r.Blocks {
		if m.block != nil {
			m.block(&r.Blocks[i])
		}
	}
	a, err := m.Member.Exchange(ctx, r)
	for i := range a.Shares {
		if m.share != nil {
			m.share(r.Limits[i], &a.Shares[i])
		}
	}
	if m.answer != nil {
		m.answer(a)
	}
	return a, err
}

const faultVariable = "BUDGETTEST_FAULT"

// Each fault is found by the test named for what it violates. A suite that fails
// cannot run within a test that passes, so it runs in its own process.
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
