package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/user"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"golang.org/x/sync/errgroup"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
)

// programArg is the argument that makes this executable one program of the fleet.
// The next one is its order.
const programArg = "-one-program-of-the-fleet"

// order is what a program is told, as JSON.
type order struct {
	Program        int
	URL, Redis     string
	Callers, Limit int
	Window         time.Duration
}

// runProgram is one program of the fleet. It sends until a request fails, or until
// its standard input is closed, as happens when the run ends, however it does.
func runProgram(ctx context.Context, argument string) error {
	var o order
	if err := json.Unmarshal([]byte(argument), &o); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	logging.Disable() // it would write into the lines that the run prints
	budget, err := redisbudget.New(redis.NewClient(&redis.Options{Addr: o.Redis, DisableIdentity: true}),
		redisbudget.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.MaxIdleConnsPerHost = o.Callers
	signed := &signed{base: base, program: strconv.Itoa(o.Program)}
	if signed.throttle, err = clerkthrottle.NewTransport(
		clerkthrottle.WithBudget(budget),
		clerkthrottle.WithBase(signed),
		clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, o.Limit, o.Window),
		clerkthrottle.WithMaxWait(time.Hour),
	); err != nil {
		return err
	}
	config := &clerk.ClientConfig{}
	config.HTTPClient = &http.Client{Transport: signed.throttle}
	config.Key, config.URL = clerk.String("sk_live_fleet"), clerk.String(o.URL+"/v1") // one key: they are replicas
	users := user.NewClient(config)
	callers, ctx := errgroup.WithContext(ctx)
	for range o.Callers {
		callers.Go(func() error {
			for {
				if _, err := users.Count(ctx, &user.ListParams{}); err != nil {
					return err
				}
			}
		})
	}
	return callers.Wait()
}

// The headers in which a program says who it is, and whether it reaches its Redis.
const (
	programHeader = "Fleet-Program"
	reachedHeader = "Fleet-Reached"
)

// signed adds these headers to each request when it leaves the throttle.
type signed struct {
	base     http.RoundTripper
	program  string
	throttle *clerkthrottle.Transport
}

// RoundTrip implements [http.RoundTripper].
func (s *signed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(programHeader, s.program)
	r.Header.Set(reachedHeader, strconv.FormatBool(s.throttle.Snapshot().Fleet.Reached))
	return s.base.RoundTrip(r)
}
