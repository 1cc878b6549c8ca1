package guides_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
)

func changedLimits() (*http.Client, error) {
	// guide: limits-override
	client, err := clerkthrottle.NewClient(
		// Clerk granted us more:
		clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, 2000, 10*time.Second),
		// Clerk documents another number than the table has:
		clerkthrottle.WithLimit("POST /v1/invitations", 200, time.Hour),
		// an endpoint that the table does not limit:
		clerkthrottle.WithLimit("POST /v1/sign_in_tokens", 50, time.Minute),
	)
	// guide end
	return client, err
}

func replacedLimits() (*http.Client, error) {
	// guide: limits-replace
	rows := clerkthrottle.Limits(clerkthrottle.Auto)[1:] // without the instance's row
	for i := range rows {
		if rows[i].Window == time.Hour {
			rows[i].N *= 10 // Clerk granted us ten times as many invitations
		}
	}
	client, err := clerkthrottle.NewClient(clerkthrottle.WithLimits(rows))
	// guide end
	return client, err
}

func printLimits() {
	// guide: limits-print
	fmt.Println("as of", clerkthrottle.LimitsDate)
	for _, l := range clerkthrottle.Limits(clerkthrottle.Production) {
		fmt.Printf("%5d per %-5s %-9s %s\n", l.N, l.Window, l.Scope, l.Name)
	}
	// guide end
}

func TestChangedLimits(t *testing.T) {
	if _, err := changedLimits(); err != nil {
		t.Error(err)
	}
	if _, err := replacedLimits(); err != nil {
		t.Error(err)
	}
	printLimits()
}
