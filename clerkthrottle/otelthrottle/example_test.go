package otelthrottle_test

import (
	"fmt"
	"net/http"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/otelthrottle"
)

// A client whose throttle reports to the global providers.
func Example() {
	in, err := otelthrottle.New()
	if err != nil {
		panic(err)
	}
	throttle, err := clerkthrottle.NewTransport(
		clerkthrottle.WithObserver(in.Observer()),
		clerkthrottle.WithBase(http.DefaultTransport), // or otelhttp's around it
	)
	if err != nil {
		panic(err)
	}
	defer in.Watch(throttle)()

	client := &http.Client{Transport: throttle} // hand it to the Clerk SDK
	fmt.Println(client.Timeout)
	// Output: 0s
}
