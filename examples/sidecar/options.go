package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

// options is what the command line and the environment say.
type options struct {
	listen            string
	backend, frontend flags.URL
	addKey            bool
	key               string
	hosts             string
	trustedHops       int
	maxWait, grace    time.Duration
	headroom          float64
	limit             flags.Limit
	redis             string
}

func parseOptions(args []string, getenv func(string) string, out io.Writer) (*options, error) {
	o := &options{key: getenv("CLERK_SECRET_KEY")}
	if err := errors.Join(o.backend.Set("https://api.clerk.com"), o.frontend.Set("https://frontend-api.clerk.dev")); err != nil {
		return nil, err
	}
	f := flag.NewFlagSet("sidecar", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.listen, "listen", "127.0.0.1:8787", "address to listen on")
	f.Var(&o.backend, "backend", "URL of the Backend API, without /v1; plain http only to loopback")
	f.Var(&o.frontend, "frontend", "URL of the Frontend API, served below /__clerk")
	f.BoolVar(&o.addKey, "add-key", false, "put CLERK_SECRET_KEY into Backend requests that carry no key, or the key \"sidecar\"")
	f.StringVar(&o.hosts, "hosts", "", "further names, between commas, that clients may call this by (Host header)")
	f.IntVar(&o.trustedHops, "trusted-hops", 1, "Frontend API: how many proxies before this one, the calling program included, add to X-Forwarded-For")
	f.DurationVar(&o.maxWait, "max-wait", time.Minute, "how long a request may wait for the limit before it is answered 429")
	f.DurationVar(&o.grace, "grace", 30*time.Second, "how long requests have to finish when it is stopped")
	f.Float64Var(&o.headroom, "headroom", 0, "share of every limit to leave to other programs, such as 0.2")
	f.Var(&o.limit, "limit", "the instance's limit, where Clerk granted another: `N/window`, such as 2000/10s")
	f.StringVar(&o.redis, "redis", "", "URL of a Redis on which several sidecars share one budget, such as redis://127.0.0.1:6379/0")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, o.check()
}

func (o *options) check() error {
	host, _, err := net.SplitHostPort(o.listen)
	switch {
	case err != nil:
		return fmt.Errorf("-listen %s: %w", o.listen, err)
	case o.addKey && o.key == "":
		return errors.New("-add-key: CLERK_SECRET_KEY is not set")
	case o.addKey && !flags.IsLoopback(host):
		return fmt.Errorf("-add-key -listen %s: whoever reaches that address could use your secret key; listen on loopback", o.listen)
	case o.trustedHops < 0:
		return fmt.Errorf("-trusted-hops %d: must not be negative", o.trustedHops)
	case o.grace < 0:
		return fmt.Errorf("-grace %s: must not be negative", o.grace)
	}
	return nil
}

// throttle is the throttle that the options describe. It checks the rest.
func (o *options) throttle() []clerkthrottle.Option {
	opts := []clerkthrottle.Option{
		clerkthrottle.WithMaxWait(o.maxWait),
		clerkthrottle.WithHeadroom(o.headroom),
	}
	if o.limit.N > 0 {
		opts = append(opts, clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, o.limit.N, o.limit.Window))
	}
	return opts
}
