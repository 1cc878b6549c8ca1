// Command sidecar puts one throttle in front of programs that are not written in
// Go: they point their Clerk API URL at it, and share one budget.
//
//	go run ./examples/sidecar
//	CLERK_API_URL=http://127.0.0.1:8787 node server.js
//
// It is a reverse proxy for Clerk's Backend API and, below /__clerk, for the
// Frontend API. Requests that Clerk's limits leave no room for wait their turn;
// one that would wait too long is answered 429, as Clerk would have.
//
// It listens on loopback unless told otherwise, and forwards to its two fixed
// upstreams and nowhere else. See the README for how to run it, and for what
// else it answers: /-/health and the throttle's status page, /-/status/.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/edge"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

func main() {
	logging.Disable() // the budget tells when Redis goes and comes back
	os.Exit(edge.Main("sidecar", parseOptions, run))
}

// run serves until ctx ends, and then lets what is under way finish.
func run(ctx context.Context, o *options, logger *slog.Logger) error {
	s, err := newSidecar(o, logger)
	if err != nil {
		return err
	}
	defer s.close()
	if wrong := s.store.wrong(ctx); wrong != "" {
		logger.Warn(wrong)
	}
	return s.Run(ctx, "backend", o.backend.String(), "frontend", o.frontend.String())
}

// options is what the command line and the environment say.
type options struct {
	edge.Options
	backend, frontend flags.URL
	addKey            bool
	key               string
	hosts             string
	headroom          float64
	limit             flags.Limit
	clientHeader      string
	priorityHeader    string
	reserve           float64
	redis             string
	redisOptions      *redis.Options // of -redis; nil without
	base              http.RoundTripper
}

const sentence = "sidecar is a proxy for Clerk's APIs that keeps all the programs behind it to Clerk's rate limits, as one."

func parseOptions(args []string, getenv func(string) string, out io.Writer) (*options, error) {
	o := &options{key: getenv("CLERK_SECRET_KEY"), base: newTransport()}
	o.Listen, o.MaxWait = "127.0.0.1:8787", time.Minute
	if err := errors.Join(o.backend.Set("https://api.clerk.com"), o.frontend.Set("https://frontend-api.clerk.dev")); err != nil {
		return nil, err
	}
	f := flag.NewFlagSet("sidecar", flag.ContinueOnError)
	o.Define(f)
	f.Var(&o.backend, "backend", "`URL` of the Backend API, without /v1; plain http only to loopback")
	f.Var(&o.frontend, "frontend", "`URL` of the Frontend API, served below /__clerk")
	f.BoolVar(&o.addKey, "add-key", false, "put CLERK_SECRET_KEY into Backend requests that carry no key, or the key \"sidecar\"")
	f.StringVar(&o.hosts, "hosts", "", "further `names`, between commas, that clients may call this by (Host header)")
	f.Float64Var(&o.headroom, "headroom", 0, "`share` of every limit to leave to other programs, such as 0.2")
	f.Var(&o.limit, "limit", "the instance's limit, where Clerk granted another: `N/window`, such as 2000/10s")
	f.StringVar(&o.clientHeader, "client-header", "", "`header` in which callers name themselves, to have turns of their own; by default their address tells them apart")
	f.StringVar(&o.priorityHeader, "priority-header", "", "`header` in which callers may say interactive, normal or batch; by default there is none")
	f.Float64Var(&o.reserve, "reserve", 0.2, "`share` of the limit that is kept for clients that ask for less than that; 0 keeps nothing")
	f.StringVar(&o.redis, "redis", "", "`URL` of a Redis on which several sidecars share one budget, such as redis://127.0.0.1:6379/0")
	if err := flags.Parse(f, sentence, args, out); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, &flags.UsageError{Err: err}
	}
	return o, nil
}

func (o *options) check() error {
	host, _, _ := net.SplitHostPort(o.Listen)
	switch {
	case o.addKey && o.key == "":
		return errors.New("-add-key: CLERK_SECRET_KEY is not set")
	case o.addKey && !flags.IsLoopback(host):
		return fmt.Errorf("-add-key -listen %s: whoever reaches that address could use your secret key; listen on loopback", o.Listen)
	case !(o.headroom >= 0 && o.headroom < 1): // NaN fails, too
		return fmt.Errorf("-headroom %v: want 0 ≤ share < 1", o.headroom)
	case !(o.reserve >= 0 && o.reserve < 1):
		return fmt.Errorf("-reserve %v: want 0 ≤ share < 1", o.reserve)
	}
	if o.redis != "" {
		var err error
		if o.redisOptions, err = redis.ParseURL(o.redis); err != nil {
			return fmt.Errorf("-redis: %w", err) // which does not repeat a password
		}
	}
	return o.Check()
}
