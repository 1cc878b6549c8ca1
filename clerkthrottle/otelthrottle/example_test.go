package otelthrottle_test

import (
	"fmt"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/otelthrottle"
)

// A client whose throttle reports to the global providers. Each attempt has a
// span of otelhttp's, and what it waited for before has one beside it.
func Example() {
	in, err := otelthrottle.New()
	if err != nil {
		panic(err)
	}
	throttle, err := clerkthrottle.NewTransport(
		clerkthrottle.WithObserver(in.Observer()),
		clerkthrottle.WithBase(otelhttp.NewTransport(http.DefaultTransport)),
	)
	if err != nil {
		panic(err)
	}
	defer in.Watch(throttle)()

	client := &http.Client{Transport: throttle} // hand it to the Clerk SDK
	fmt.Println(client.Timeout)
	// Output: 0s
}
