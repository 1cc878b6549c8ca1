package sdktest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// sole is a budget whose one program owns every token.
type sole struct{ away atomic.Bool }

func (s *sole) Join() transport.Member { return s }

func (s *sole) Exchange(_ context.Context, r *transport.Report) (*transport.Answer, error) {
	a := &transport.Answer{Lease: time.Minute, Next: time.Second}
	if s.away.Load() {
		a.Err = errors.New("no route")
	}
	for _, u := range r.Limits {
		a.Shares = append(a.Shares, transport.Share{Owned: u.N, Part: u.N, Keep: u.N, Window: u.Window})
	}
	return a, nil
}

func TestUnreachableBudgetIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &sole{}
		l := newLab(t, clerkthrottle.WithBase(clerktest.New().RoundTripper()), clerkthrottle.WithBudget(shared))
		for _, c := range []struct {
			away bool
			want float64
		}{{false, 0}, {true, 1}, {false, 0}} {
			shared.away.Store(c.away)
			time.Sleep(2 * time.Second)
			l.send(t.Context(), "GET", "/v1/users")
			time.Sleep(2 * time.Second)
			l.want("clerkthrottle.unreachable_budgets", map[string]float64{"": c.want})
		}
	})
}

func TestBudgetOfOneProgramIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, clerkthrottle.WithBase(clerktest.New().RoundTripper()))
		l.send(t.Context(), "GET", "/v1/users")
		l.want("clerkthrottle.unreachable_budgets", nil)
	})
}
