//go:build unix

package fleettest

import (
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/budgettest"
)

func TestConformance(t *testing.T) {
	budgettest.Run(t, func(t *testing.T) transport.Budget {
		_, rdb := inMemory(t)
		return warm(t, newBudget(t, rdb))
	})
}

// warm has a first program wait until Redis hands out tokens.
func warm(t *testing.T, b *redisbudget.Budget) *redisbudget.Budget {
	t.Helper()
	p := join(t, b, &service{latency: func() time.Duration { return 0 }}, 1, time.Second)
	p.mustGet(t, "/")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return b
}

// Over sockets to real servers.
func TestConformanceOnRedis(t *testing.T) {
	rdb := startServer(t).client(t)
	b := warm(t, newBudget(t, rdb, redisbudget.WithTimeout(5*time.Second)))
	budgettest.Run(t, func(t *testing.T) transport.Budget { return b },
		budgettest.RealTime(640*time.Millisecond, 160*time.Millisecond))
}
