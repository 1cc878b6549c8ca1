package redisbudget

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/budgettest"
)

// In virtual time, where the suite wants every moment exactly, a granule is a
// millisecond, as all times of the suite are.
func TestConformance(t *testing.T) {
	budgettest.Run(t, func(t *testing.T) transport.Budget {
		_, rdb := inMemory(t)
		return newBudget(t, rdb, func(c *config) error {
			c.cells = func(int) int { return 10_000 }
			return nil
		})
	})
}

// Over sockets to real servers, moments may be late by the granule and by what
// the machine needs.
func TestConformanceOnRedis(t *testing.T) { conformance(t, startServer(t).client(t)) }

func conformance(t *testing.T, rdb redis.Scripter) {
	t.Helper()
	t.Parallel()
	budgettest.Run(t, func(t *testing.T) transport.Budget {
		return newBudget(t, rdb, WithTimeout(5*time.Second))
	}, budgettest.RealTime(640*time.Millisecond, 160*time.Millisecond))
}
