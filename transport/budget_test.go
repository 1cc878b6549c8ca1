package transport_test

import (
	"testing"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/budgettest"
)

func TestLocalBudgetConforms(t *testing.T) {
	budgettest.Run(t, func(*testing.T) transport.Budget { return transport.NewLocalBudget() })
}
