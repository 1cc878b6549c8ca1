// Command frontendproxy is Clerk's documented Frontend API proxy in Go
// (https://clerk.com/docs/guides/dashboard/dns-domains/proxy-fapi), with a
// throttle that keeps every visitor to Clerk's limits: a visitor who signs in
// too fast is told so here, before Clerk blocks his address, and nobody else
// notices.
//
//	CLERK_SECRET_KEY=sk_live_… go run ./examples/frontendproxy -proxy-url https://example.com/__clerk
//
// It serves the path of the proxy URL, here /__clerk/, on loopback, for the web
// server that ends TLS for example.com. [newServer] makes the handler, to be
// mounted in a Go program that does that anyway.
package main

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	c, err := parseConfig(os.Args[1:], os.Getenv, os.Stdout)
	if err == nil {
		c.LimitMemory()
		err = run(ctx, c, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	}
	os.Exit(flags.Exit("frontendproxy", err, os.Stderr))
}

const sentence = "frontendproxy is Clerk's Frontend API proxy, and keeps every visitor to Clerk's rate limits before Clerk has to."

func parseConfig(args []string, getenv func(string) string, out io.Writer) (*config, error) {
	c := &config{secretKey: getenv("CLERK_SECRET_KEY")}
	c.Listen, c.MaxWait = "127.0.0.1:8788", 2*time.Second
	if err := c.upstream.Set("https://frontend-api.clerk.dev"); err != nil {
		return nil, err
	}
	f := flag.NewFlagSet("frontendproxy", flag.ContinueOnError)
	c.Define(f)
	f.Func("proxy-url", "the proxy `URL` as it is set in Clerk's dashboard, such as https://example.com/__clerk", func(s string) error {
		c.proxyURL = s
		return c.public.Set(s)
	})
	f.Var(&c.upstream, "upstream", "`URL` of the Frontend API")
	if err := flags.Parse(f, sentence, args, out); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, &flags.UsageError{Err: err}
	}
	return c, nil
}

// run serves until ctx ends, and then lets what is under way finish.
func run(ctx context.Context, c *config, logger *slog.Logger) error {
	s, err := newServer(c, logger)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Run(ctx, "path", c.public.Path+"/", "upstream", c.upstream.String())
}
