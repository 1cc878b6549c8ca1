package transport_test

import (
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/budgettest"
)

func TestConformance(t *testing.T) {
	budgettest.Run(t, func(*testing.T) transport.Budget { return nil })
}

func TestConformanceOfABudgetInMemory(t *testing.T) {
	budgettest.Run(t, func(*testing.T) transport.Budget { return new(budgettest.Memory) })
}

// hidden is a budget, and its members, of somebody else's types, which show nothing
// else that they can do.
type hidden struct{ transport.Budget }

func (h hidden) Join() transport.Member { return struct{ transport.Member }{h.Budget.Join()} }

func TestConformanceOfABudgetInAStruct(t *testing.T) {
	budgettest.Run(t, func(*testing.T) transport.Budget { return hidden{new(budgettest.Memory)} })
}

// A round trip away, as every real one is.
func TestConformanceOfABudgetFarAway(t *testing.T) {
	budgettest.Run(t, func(*testing.T) transport.Budget {
		return &away{new(budgettest.Memory), network{latency: 2 * time.Millisecond}}
	}, budgettest.Slack(50*time.Millisecond))
}
