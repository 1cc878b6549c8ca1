//go:build unix

package fleettest

import (
	"os/exec"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

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

// warm waits until Redis hands out tokens, with a program of its own.
func warm(t *testing.T, b *redisbudget.Budget) *redisbudget.Budget {
	t.Helper()
	p := join(t, b, &service{latency: func() time.Duration { return 0 }}, 1, time.Second)
	p.mustGet(t, "/")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return b
}

// conform runs the suite on a budget on a real server.
func conform(t *testing.T, rdb redis.Scripter) {
	t.Helper()
	t.Parallel()
	b := warm(t, newBudget(t, rdb, redisbudget.WithName("conformance"), redisbudget.WithTimeout(5*time.Second)))
	budgettest.Run(t, func(*testing.T) transport.Budget { return b }, budgettest.RealTime(640*time.Millisecond, 160*time.Millisecond))
}

func TestConformanceOnRedis(t *testing.T) { conform(t, startServer(t).client(t)) }

func TestConformanceOnValkey(t *testing.T) {
	bin, err := exec.LookPath("valkey-server")
	if err != nil {
		t.Skip("LEFT OUT: there is no valkey-server in PATH")
	}
	conform(t, launch(t, bin).client(t))
}

func TestConformanceOnSentinel(t *testing.T) {
	rdb := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: "fleet", SentinelAddrs: []string{startSentinel(t, startServer(t).addr())}, DisableIdentity: true,
	})
	t.Cleanup(func() { _ = rdb.Close() })
	conform(t, rdb)
}
