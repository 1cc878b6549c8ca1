// Command quickstart shows what the throttle does, in half a minute and without
// a Clerk account. It starts a stand-in for Clerk on loopback, which enforces the
// limits of a development instance, and calls it through the official Clerk Go SDK,
// once with a plain HTTP client, once with a throttled one. With -page, the
// throttle's live page stays until Ctrl-C.
//
// With CLERK_SECRET_KEY set it reads from that instance of the real Clerk instead. It
// says first what it is going to do, and starts when given -yes.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/user"
	"golang.org/x/sync/errgroup"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
)

const (
	demoUsers    = 32
	callsPerUser = 5
	realReads    = 150
	callers      = 24 // goroutines that share the work
	realURL      = "https://api.clerk.com/v1"
	latency      = 40 * time.Millisecond
)

var (
	yes  = flag.Bool("yes", false, "with CLERK_SECRET_KEY set: start reading from the real Clerk")
	page = flag.Bool("page", false, "serve the live page of the throttle on loopback, until Ctrl-C")
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Getenv("CLERK_SECRET_KEY")); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, key string) error {
	throttle, err := clerkthrottle.NewTransport()
	if err != nil {
		return err
	}
	if *page && (key == "" || *yes) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("-page: %w", err)
		}
		go func() { _ = http.Serve(listener, statuspage.New(throttle)) }()
		fmt.Printf("The live page of the throttle, until Ctrl-C: http://%s/\n\n", listener.Addr())
		defer func() { <-ctx.Done() }()
	}
	if key != "" {
		return readReal(ctx, throttle, key)
	}
	return demo(ctx, throttle)
}

// newUsers returns the SDK's client for users. This is all that a program
// changes: the HTTPClient in its configuration.
func newUsers(client *http.Client, url, key string) *user.Client {
	config := &clerk.ClientConfig{}
	config.HTTPClient = client
	config.Key, config.URL = clerk.String(key), clerk.String(url)
	return user.NewClient(config)
}

// demo compares a plain and a throttled client, each against a stand-in of its own.
func demo(ctx context.Context, throttle *clerkthrottle.Transport) error {
	const calls = demoUsers * callsPerUser
	limit := clerkthrottle.Limits(clerkthrottle.Development)[0]
	fmt.Printf("A stand-in for Clerk on loopback allows %d requests per %s, as a development instance does.\n"+
		"%d goroutines make %d calls through the official Clerk SDK, to create, read, list, update and delete\n"+
		"%d users (a list is two requests). That takes some ten seconds.\n\n", limit.N, limit.Window, callers, calls, demoUsers)
	plain := demoRun(ctx, "plain", http.DefaultTransport)
	throttled := demoRun(ctx, "throttled", throttle)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "client\tcalls that worked\terrors the program saw\tcalls never made\trequests sent\tanswered 429\ttime\t")
	for _, r := range []result{plain, throttled} {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%.1f s\t\n", r.name, r.worked, r.failed, calls-r.worked-r.failed, r.sent, r.rejected, r.took.Seconds())
	}
	w.Flush()
	fmt.Printf("\nThe first error that the plain client saw: %v\n"+
		"The shortest possible time for %d calls is one window: %s.\n", plain.err, calls, limit.Window)
	if throttled.failed > 0 || throttled.rejected > 0 {
		return fmt.Errorf("the throttled client met %d errors and %d 429s: it should have met none (first: %w)", throttled.failed, throttled.rejected, throttled.err)
	}
	return nil
}

func demoRun(ctx context.Context, name string, transport http.RoundTripper) result {
	server := clerktest.New(clerktest.WithLatency(clerktest.Constant(latency)))
	users := newUsers(&http.Client{Transport: transport}, server.Start()+"/v1", "sk_test_quickstart")
	defer server.Close()
	r := share(name, demoUsers, func(i int) (int, error) { return life(ctx, users, i) })
	r.sent, r.rejected = server.Stats().Sent, server.Stats().Rejected
	return r
}

// readReal reads from the instance of a secret key, through the throttle.
func readReal(ctx context.Context, throttle *clerkthrottle.Transport, key string) error {
	fmt.Printf("CLERK_SECRET_KEY is set. This sends %d reads (GET /v1/users/count) to api.clerk.com\n"+
		"through the throttle, in some ten seconds. Nothing is changed. Meanwhile, other programs have\n"+
		"less of the limit.\n", realReads)
	if !*yes {
		fmt.Println("\nStart it with: go run ./examples/quickstart -yes\n" +
			"Or unset CLERK_SECRET_KEY to see the demonstration, which needs no account.")
		return nil
	}
	users := newUsers(&http.Client{Transport: throttle}, realURL, key)
	r := share("throttled", realReads, func(int) (int, error) {
		if _, err := users.Count(ctx, &user.ListParams{}); err != nil {
			return 0, err
		}
		return 1, nil
	})
	for _, e := range throttle.Snapshot().Endpoints {
		r.rejected += int(e.Counts.Throttled)
	}
	fmt.Printf("\n%d reads worked, %d failed; %d requests were answered 429; %.1f s.\n", r.worked, r.failed, r.rejected, r.took.Seconds())
	return r.err
}

// life creates, reads, updates, lists and deletes a user. A call that fails is the
// last: the others build on it.
func life(ctx context.Context, users *user.Client, i int) (worked int, err error) {
	address := fmt.Sprintf("user%d@example.com", i)
	u, err := users.Create(ctx, &user.CreateParams{EmailAddresses: &[]string{address}})
	if err != nil {
		return 0, err
	}
	if _, err = users.Get(ctx, u.ID); err != nil {
		return 1, err
	}
	if _, err = users.Update(ctx, u.ID, &user.UpdateParams{LastName: clerk.String("Start")}); err != nil {
		return 2, err
	}
	if _, err = users.List(ctx, &user.ListParams{}); err != nil {
		return 3, err
	}
	if _, err = users.Delete(ctx, u.ID); err != nil {
		return 4, err
	}
	return callsPerUser, nil
}

// result is what a program saw of its calls, and what the server saw of it.
type result struct {
	name           string
	worked, failed int
	err            error // the first
	took           time.Duration
	sent, rejected int // requests, and those of them that were answered 429
}

// share has the callers take turns at n pieces of work.
func share(name string, n int, work func(i int) (worked int, err error)) result {
	r, start := result{name: name}, time.Now()
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(callers)
	for i := range n {
		g.Go(func() error {
			worked, err := work(i)
			mu.Lock()
			defer mu.Unlock()
			r.worked += worked
			if err != nil {
				r.failed++
				r.err = cmp.Or(r.err, err)
			}
			return nil
		})
	}
	_ = g.Wait()
	r.took = time.Since(start)
	return r
}
