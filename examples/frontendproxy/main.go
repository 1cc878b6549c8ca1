// Command frontendproxy is Clerk's documented Frontend API proxy in Go
// (https://clerk.com/docs/guides/dashboard/dns-domains/proxy-fapi), with a
// throttle that keeps every visitor to Clerk's limits: a visitor who signs in
// too fast is told so here, before Clerk blocks his address, and nobody else
// notices.
//
//	CLERK_SECRET_KEY=sk_live_… go run ./examples/frontendproxy -proxy-url https://example.com/__clerk
//
// It serves the path of the proxy URL, here /__clerk/, on loopback, for the web
// server that ends TLS for example.com. [newProxy] is the handler by itself, to
// be mounted in a Go program that does that anyway.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	c, listen, err := parseConfig(os.Args[1:], os.Getenv)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(ctx, c, listen, logger)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "frontendproxy:", err)
		os.Exit(1)
	}
}

func parseConfig(args []string, getenv func(string) string) (c config, listen string, err error) {
	c = config{secretKey: getenv("CLERK_SECRET_KEY")}
	if err := c.upstream.Set("https://frontend-api.clerk.dev"); err != nil {
		return c, "", err
	}
	f := flag.NewFlagSet("frontendproxy", flag.ContinueOnError)
	f.StringVar(&listen, "listen", "127.0.0.1:8788", "address to listen on")
	f.StringVar(&c.proxyURL, "proxy-url", "", "the proxy URL as it is set in Clerk's dashboard, such as https://example.com/__clerk")
	f.Var(&c.upstream, "upstream", "URL of the Frontend API")
	f.IntVar(&c.trustedHops, "trusted-hops", 1, "how many proxies of yours stand before this one; 0 if visitors connect to it directly")
	f.DurationVar(&c.maxWait, "max-wait", 2*time.Second, "how long a visitor's request may wait before it is answered 429")
	if err := f.Parse(args); err != nil {
		return c, "", err
	}
	return c, listen, c.check()
}

func run(ctx context.Context, c config, listen string, logger *slog.Logger) error {
	throttle, err := clerkthrottle.NewTransport(clerkthrottle.WithMaxWait(c.maxWait), clerkthrottle.WithLogger(logger))
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           newProxy(c, throttle, logger),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	logger.Info("listening", "address", listener.Addr().String(), "path", c.path()+"/", "upstream", c.upstream.String())
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(grace)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return throttle.Close()
}
