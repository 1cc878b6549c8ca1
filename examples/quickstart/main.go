// Command quickstart shows what the throttle does, in half a minute and without
// a Clerk account. It starts a stand-in for Clerk on loopback, which enforces
// the limits of a development instance, and drives it through the official
// Clerk Go SDK: once with a plain HTTP client, once with a throttled one.
//
//	go run ./examples/quickstart
//
// With CLERK_SECRET_KEY set it talks to that instance of the real Clerk
// instead. It says first what it is going to do, reads only, and starts when it
// is given -yes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

const (
	demoUsers = 32 // each is created, read, updated, listed and deleted
	callers   = 24 // goroutines that share the work
	realReads = 150
	demoKey   = "sk_test_quickstart"
	latency   = 40 * time.Millisecond // between here and the stand-in, there and back
)

func main() {
	yes := flag.Bool("yes", false, "with CLERK_SECRET_KEY set: start talking to the real Clerk")
	page := flag.Bool("page", false, "serve the live page of the throttle on loopback, until Ctrl-C")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := func() error { return demo(ctx, *page) }
	if key := os.Getenv("CLERK_SECRET_KEY"); key != "" {
		run = func() error { return real(ctx, key, *yes, *page) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// demo compares a plain and a throttled client against the stand-in.
func demo(ctx context.Context, page bool) error {
	const calls = demoUsers * callsPerUser
	limit := clerkthrottle.Limits(clerkthrottle.Development)[0]
	fmt.Printf("A stand-in for Clerk on loopback allows %d requests per %s, as a development instance does.\n", limit.N, limit.Window)
	fmt.Printf("%d goroutines make %d calls through the official Clerk SDK, to create, read, list, update and delete %d users (a list is two requests).\n\n", callers, calls, demoUsers)

	plain, err := demoRun(ctx, "plain", &http.Client{Transport: newTransport()})
	if err != nil {
		return err
	}
	rt, err := clerkthrottle.NewTransport(clerkthrottle.WithBase(newTransport()))
	if err != nil {
		return err
	}
	if page {
		stay, err := servePage(ctx, rt)
		if err != nil {
			return err
		}
		defer stay()
	}
	throttled, err := demoRun(ctx, "throttled", &http.Client{Transport: rt})
	if err != nil {
		return err
	}

	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "client\tcalls that worked\terrors the program saw\tcalls never made\trequests sent\tanswered 429\ttime\t")
	for _, r := range []result{plain, throttled} {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%.1f s\t\n", r.name, r.worked, r.failed, calls-r.worked-r.failed, r.sent, r.rejected, r.took.Seconds())
	}
	w.Flush()
	fmt.Printf("\nThe first error that the plain client saw: %v\n", plain.firstErr)
	fmt.Printf("The throttled client needed no change but its http.Client. The shortest possible time for %d calls is one window: %s.\n", calls, limit.Window)
	if throttled.failed > 0 || throttled.rejected > 0 {
		return fmt.Errorf("the throttled client met %d errors and %d 429s: it should have met none (first: %w)", throttled.failed, throttled.rejected, throttled.firstErr)
	}
	return nil
}

// demoRun drives a stand-in of its own with one client.
func demoRun(ctx context.Context, name string, client *http.Client) (result, error) {
	server := clerktest.New(clerktest.WithLatency(clerktest.Constant(latency)))
	url := server.Start()
	defer server.Close()
	defer client.CloseIdleConnections()

	p := startProgress(name, demoUsers*callsPerUser)
	r := manageUsers(ctx, newUsers(client, url+"/v1", demoKey), demoUsers, p)
	p.finish()
	stats := server.Stats()
	r.name, r.sent, r.rejected = name, stats.Sent, stats.Rejected
	if ctx.Err() != nil {
		return r, errors.New("interrupted")
	}
	return r, nil
}

// real reads from the instance of a secret key, through the throttle.
func real(ctx context.Context, key string, yes, page bool) error {
	kind := clerkthrottle.Development
	if strings.HasPrefix(key, "sk_live_") {
		kind = clerkthrottle.Production
	}
	limit := clerkthrottle.Limits(kind)[0]
	fmt.Printf("CLERK_SECRET_KEY is set, to the key of a %s instance (%d requests per %s).\n", kind, limit.N, limit.Window)
	fmt.Printf("This sends %d reads (GET /v1/users/count) to api.clerk.com through the throttle. Nothing is changed.\n", realReads)
	fmt.Println("While it runs, the instance's other programs have less of its limit.")
	if !yes {
		fmt.Println("\nStart it with: go run ./examples/quickstart -yes")
		fmt.Println("Or unset CLERK_SECRET_KEY to see the demonstration, which needs no account.")
		return nil
	}
	counter := &countingTransport{base: http.DefaultTransport}
	rt, err := clerkthrottle.NewTransport(clerkthrottle.WithBase(counter))
	if err != nil {
		return err
	}
	if page {
		stay, err := servePage(ctx, rt)
		if err != nil {
			return err
		}
		defer stay()
	}
	p := startProgress("throttled", realReads)
	r := countUsers(ctx, newUsers(&http.Client{Transport: rt}, "", key), realReads, p)
	p.finish()
	fmt.Printf("\n%d reads worked, %d failed; %d requests sent, %d answered 429; %.1f s.\n",
		r.worked, r.failed, counter.sent.Load(), counter.rejected.Load(), r.took.Seconds())
	if r.firstErr != nil {
		return fmt.Errorf("the first error: %w", r.firstErr)
	}
	return nil
}

// newTransport returns a transport that keeps a connection for every caller.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = callers
	return t
}

// servePage serves the throttle's live page on loopback, and returns what keeps
// it there until Ctrl-C.
func servePage(ctx context.Context, rt *transport.Transport) (stay func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("-page: %w", err)
	}
	server := &http.Server{Handler: statuspage.New(rt), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	fmt.Printf("The live page of the throttle: http://%s/\n\n", listener.Addr())
	return func() {
		fmt.Printf("\nThe live page stays at http://%s/ until Ctrl-C.\n", listener.Addr())
		<-ctx.Done()
		_ = server.Close()
	}, nil
}
