package clerkthrottle_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
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

// The throttle itself tells what is in use and how long a request would wait, and
// closes.
func ExampleTransport() {
	throttle, err := clerkthrottle.NewTransport(
		clerkthrottle.WithBase(clerktest.New().RoundTripper()),
		clerkthrottle.WithLimit("GET /v1/users", 1, time.Hour),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: throttle}
	if err := call(client, http.MethodGet, "https://api.clerk.com/v1/users", "sk_test_anything"); err != nil {
		fmt.Println(err)
	}

	for _, l := range throttle.Snapshot().Limits {
		fmt.Printf("%s: %d of %d per %s are free\n", l.Name, l.Free, l.N, l.Window)
	}
	next, _ := http.NewRequest(http.MethodGet, "https://api.clerk.com/v1/users", nil)
	next.Header.Set("Authorization", "Bearer sk_test_anything")
	fmt.Println("the next would wait", throttle.Estimate(next).Round(time.Minute))

	fmt.Println("closed:", throttle.Close())
	err = call(client, http.MethodGet, "https://api.clerk.com/v1/users", "sk_test_anything")
	var throttled *clerkthrottle.ThrottledError
	fmt.Println(errors.As(err, &throttled) && throttled.Reason == clerkthrottle.ReasonClosed)
	// Output:
	// GET /v1/users: 0 of 1 per 1h0m0s are free
	// instance: 99 of 100 per 10s are free
	// the next would wait 1h0m0s
	// closed: <nil>
	// true
}

// In a dry run nobody is held back, and an observer is told who would have been:
// here an import, which says that it can wait.
func ExampleWithObserver() {
	client, err := clerkthrottle.NewClient(
		clerkthrottle.WithBase(clerktest.New().RoundTripper()),
		clerkthrottle.WithLimit("GET /v1/users", 1, time.Hour),
		clerkthrottle.WithMaxWait(2*time.Hour),
		clerkthrottle.WithDryRun(),
		clerkthrottle.WithObserver(&clerkthrottle.Observer{
			Waited: func(_ context.Context, e clerkthrottle.WaitEvent) {
				fmt.Println(e.Endpoint, "of class", e.Priority, "would have waited", e.Wait.Round(time.Minute))
			},
		}),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := clerkthrottle.WithPriority(context.Background(), clerkthrottle.Batch)
	for range 2 {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.clerk.com/v1/users", nil)
		req.Header.Set("Authorization", "Bearer sk_test_anything")
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
	}
	// Output:
	// GET /v1/users of class batch would have waited 1h0m0s
}

// A gateway in front of Clerk is Clerk's only if it is named: a request to any
// other host passes untouched, whatever its key.
func ExampleWithHosts() {
	throttle, err := clerkthrottle.NewTransport(
		clerkthrottle.WithBase(clerktest.New().RoundTripper()),
		clerkthrottle.WithHosts("clerk.internal.example"),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: throttle}
	for _, url := range []string{"https://clerk.internal.example/v1/users", "https://api.another.example/v1/users"} {
		if err := call(client, http.MethodGet, url, "sk_test_anything"); err != nil {
			fmt.Println(err)
		}
	}
	for _, l := range throttle.Snapshot().Limits {
		fmt.Printf("%s: %d of %d per %s are free\n", l.Name, l.Free, l.N, l.Window)
	}
	// Output:
	// instance: 99 of 100 per 10s are free
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
	var throttled *clerkthrottle.ThrottledError
	if errors.As(err, &throttled) {
		fmt.Println(throttled.Endpoint)
		fmt.Println("for too short a maximum wait:", throttled.Reason == clerkthrottle.ReasonMaxWait)
		fmt.Printf("limit: %d per %s of %q\n", throttled.N, throttled.Window, throttled.Limit)
		fmt.Println("come back within 10 s:", time.Until(throttled.RetryAt) <= 10*time.Second)
	}
	// Output:
	// PATCH /v1/users/{user_id}/metadata
	// for too short a maximum wait: true
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

// Clerk has granted exceptions to several limits: the whole table anew, but for
// the instance's row, which stays the documented one of each type.
func ExampleWithLimits() {
	rows := clerkthrottle.Limits(clerkthrottle.Auto)[1:]
	for i := range rows {
		if rows[i].Window == time.Hour {
			rows[i].N *= 10
		}
	}
	throttle, err := clerkthrottle.NewTransport(
		clerkthrottle.WithBase(clerktest.New().RoundTripper()),
		clerkthrottle.WithLimits(rows),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: throttle}
	if err := call(client, http.MethodPost, "https://api.clerk.com/v1/invitations/bulk", "sk_live_anything"); err != nil {
		fmt.Println(err)
	}
	for _, l := range throttle.Snapshot().Limits {
		fmt.Printf("%s: %d of %d per %s are free\n", l.Name, l.Free, l.N, l.Window)
	}
	// Output:
	// POST /v1/invitations/bulk: 249 of 250 per 1h0m0s are free
	// instance: 999 of 1000 per 10s are free
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
