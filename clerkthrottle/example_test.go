package clerkthrottle_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// call sends one request to Clerk, the way a program without an SDK would.
func call(client *http.Client, method, url, secretKey string) error {
	req, err := http.NewRequestWithContext(context.Background(), method, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+secretKey)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// A client that never meets a 429 it could have avoided. The stand-in takes the
// place of Clerk here; against Clerk itself, NewClient needs no option.
func ExampleNewClient() {
	clerk := clerktest.New()
	client, err := clerkthrottle.NewClient(clerkthrottle.WithBase(clerk.RoundTripper()))
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 100 { // what a development instance may be sent in 10 s
		if err := call(client, http.MethodGet, "https://api.clerk.com/v1/users", "sk_test_anything"); err != nil {
			fmt.Println(err)
		}
	}
	stats := clerk.Stats()
	fmt.Println(stats.Accepted, "accepted,", stats.Rejected, "rejected")
	// Output:
	// 100 accepted, 0 rejected
}

// A bulk import that leaves a fifth of every limit to the rest of the company,
// through two secret keys of one production instance. The snapshot tells what
// is left.
func ExampleNewTransport() {
	clerk := clerktest.New(clerktest.WithInstanceKeys("sk_live_importer", "sk_live_cleaner"))
	throttle, err := clerkthrottle.NewTransport(
		clerkthrottle.WithBase(clerk.RoundTripper()),
		clerkthrottle.WithInstanceType(clerkthrottle.Production),
		clerkthrottle.WithInstanceID("our shop"),
		clerkthrottle.WithHeadroom(0.2),
		clerkthrottle.WithMaxWait(10*time.Minute),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = throttle.Close() }()
	client := &http.Client{Transport: throttle}

	for _, key := range []string{"sk_live_importer", "sk_live_importer", "sk_live_cleaner"} {
		if err := call(client, http.MethodGet, "https://api.clerk.com/v1/users", key); err != nil {
			fmt.Println(err)
		}
	}
	for _, l := range throttle.Snapshot().Limits {
		fmt.Printf("%s: %d of %d per %s are free\n", l.Key, l.Free, l.N, l.Window)
	}
	// Output:
	// production our shop instance: 797 of 800 per 10s are free
}

// WithMaxWait(0) refuses a request that cannot go at once. The error says whose
// limit held it, and when to come back.
func ExampleWithMaxWait() {
	client, err := clerkthrottle.NewClient(
		clerkthrottle.WithBase(clerktest.New().RoundTripper()),
		clerkthrottle.WithMaxWait(0),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 11 {
		err = call(client, http.MethodPatch, "https://api.clerk.com/v1/users/user_1/metadata", "sk_test_anything")
	}
	var throttled *transport.ThrottledError
	if errors.As(err, &throttled) {
		fmt.Println(throttled.Endpoint)
		fmt.Println("reason:", throttled.Reason)
		fmt.Printf("limit: %d per %s of %q\n", throttled.N, throttled.Window, throttled.Limit)
		fmt.Println("come back within 10 s:", time.Until(throttled.RetryAt) <= 10*time.Second)
	}
	// Output:
	// PATCH /v1/users/{user_id}/metadata
	// reason: max_wait
	// limit: 10 per 10s of "PATCH /v1/users/{user_id}"
	// come back within 10 s: true
}

// Clerk has granted an exception to one limit, and an endpoint of its own choice
// is to be spared.
func ExampleWithLimit() {
	throttle, err := clerkthrottle.NewTransport(
		clerkthrottle.WithBase(clerktest.New().RoundTripper()),
		clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, 2000, 10*time.Second),
		clerkthrottle.WithLimit("GET /v1/users", 50, time.Second),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: throttle}
	if err := call(client, http.MethodGet, "https://api.clerk.com/v1/users", "sk_live_anything"); err != nil {
		fmt.Println(err)
	}
	for _, l := range throttle.Snapshot().Limits {
		fmt.Printf("%s: %d of %d per %s are free\n", l.Name, l.Free, l.N, l.Window)
	}

	_, err = clerkthrottle.NewTransport(clerkthrottle.WithLimit("users", 50, time.Second))
	fmt.Println(err)
	// Output:
	// GET /v1/users: 49 of 50 per 1s are free
	// instance: 1999 of 2000 per 10s are free
	// clerkthrottle: WithLimit("users", 50, 1s): want "instance" or a method and a path template such as "PATCH /v1/users/{user_id}"
}

// The documented limits are data, for dashboards and for planning.
func ExampleLimits() {
	for _, l := range clerkthrottle.Limits(clerkthrottle.Production)[:3] {
		fmt.Printf("%d per %s and %s: %s\n", l.N, l.Window, l.Scope, l.Name)
	}
	// Output:
	// 1000 per 10s and instance: instance
	// 100 per 1h0m0s and instance: POST /v1/invitations
	// 25 per 1h0m0s and instance: POST /v1/invitations/bulk
}
