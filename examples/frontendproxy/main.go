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
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"os"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/edge"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

func main() { os.Exit(edge.Main("frontendproxy", parseConfig, run)) }

// run serves until ctx ends, and then lets what is under way finish.
func run(ctx context.Context, c *config, logger *slog.Logger) error {
	s, err := newServer(c, logger)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Run(ctx, "path", c.public.Path+"/", "upstream", c.upstream.String())
}

type config struct {
	edge.Options
	proxyURL  string    // as in Clerk's dashboard
	public    flags.URL // the same; the proxy is mounted at its path, which has no slash at the end
	upstream  flags.URL
	secretKey string
}

func (c *config) check() error {
	switch {
	case c.secretKey == "":
		return errors.New("CLERK_SECRET_KEY is not set")
	case c.proxyURL == "":
		return errors.New("-proxy-url is not set: it is the proxy URL from Clerk's dashboard, such as https://example.com/__clerk")
	case c.public.Path == "":
		return errors.New("-proxy-url " + c.proxyURL + ": it needs a path of its own, such as /__clerk")
	}
	return c.Check()
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

// newServer makes the proxy. Its handler forwards what is below the proxy URL's
// path to the Frontend API, with the three headers that Clerk asks for.
//
// X-Forwarded-For is where Clerk, and the throttle, read the visitor's address.
// Visitors can send one of their own, so it is never passed on: the address is
// found out again from the proxies that are trusted, see [edge.ClientAddress],
// and stands there alone.
func newServer(c *config, logger *slog.Logger) (*edge.Server, error) {
	s, err := c.NewServer(logger, clerkthrottle.WithHosts(c.upstream.Hostname()))
	if err != nil {
		return nil, err
	}
	s.Proxied = c.TrustedHops > 0
	prefix := c.public.Path
	proxy := s.Entrance.Proxy(prefix, &c.upstream.URL, func(pr *httputil.ProxyRequest) {
		h := pr.Out.Header // without the visitor's own Forwarded and X-Forwarded-* by now
		h.Set("Clerk-Proxy-Url", c.proxyURL)
		h.Set("Clerk-Secret-Key", c.secretKey)
		h.Set("X-Forwarded-For", edge.ClientAddress(pr.In, c.TrustedHops))
		h.Set("X-Forwarded-Host", c.public.Host)
		h.Set("X-Forwarded-Proto", c.public.Scheme)
	})
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !edge.Admit(w, r):
		case !strings.HasPrefix(r.URL.Path, prefix+"/"):
			edge.Refuse(w, http.StatusNotFound, "resource_not_found", "Only "+prefix+"/ is served here.")
		default:
			visitor := edge.Neighbourhood(edge.ClientAddress(r, c.TrustedHops))
			s.Entrance.Serve(w, r, edge.Caller{Name: visitor}, proxy)
		}
	})
	return s, nil
}
