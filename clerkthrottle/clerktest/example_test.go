package clerktest_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

func get(client *http.Client, url string) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Authorization", "Bearer sk_test_anything")
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Println(resp.StatusCode, resp.Header["Retry-After"])
}

// A stand-in with the limits of a development instance, in memory.
func Example() {
	clerk := clerktest.New()
	client := &http.Client{Transport: clerk.RoundTripper()}
	get(client, "https://api.clerk.com/v1/users?limit=5")

	stats := clerk.Stats()
	fmt.Println(stats.Accepted, "accepted,", stats.Rejected, "rejected")
	// Output:
	// 200 []
	// 1 accepted, 0 rejected
}

// A limit small enough to run into, and what the stand-in reports about it.
func ExampleWithLimits() {
	clerk := clerktest.New(clerktest.WithLimits(clerkthrottle.Limit{
		Name:   clerkthrottle.InstanceLimit,
		N:      2,
		Window: time.Hour,
	}))
	client := &http.Client{Transport: clerk.RoundTripper()}
	for range 3 {
		get(client, "https://api.clerk.com/v1/users")
	}
	fmt.Println("most in any hour:", clerk.MaxInWindow(clerkthrottle.InstanceLimit))
	// Output:
	// 200 []
	// 200 []
	// 429 [3600]
	// most in any hour: 2
}

// The second request gets an error from Clerk.
func ExampleWithFault() {
	clerk := clerktest.New(clerktest.WithFault(func(_ *http.Request, n int) clerktest.Fault {
		if n == 2 {
			return clerktest.Fault{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}}}
		}
		return clerktest.Fault{}
	}))
	client := &http.Client{Transport: clerk.RoundTripper()}
	for range 3 {
		get(client, "https://api.clerk.com/v1/users")
	}
	// Output:
	// 200 []
	// 503 [1]
	// 200 []
}

// Over a socket, for programs that cannot be given a RoundTripper.
func ExampleServer_Start() {
	clerk := clerktest.New()
	url := clerk.Start()
	defer clerk.Close()
	get(http.DefaultClient, url+"/v1/users")
	// Output:
	// 200 []
}
