// Command fleet shows that separate programs share one limit exactly. It starts a
// number of operating-system processes, each with its own throttled client,
// against one stand-in for Clerk and one Redis; kills one of them and restarts
// Redis half-way; tells every second how it goes; and ends with a verdict.
//
//	go run ./examples/fleet
//
// It needs a redis-server, found in PATH or named by REDIS_SERVER_BIN, which it
// starts for the run on a free port of the loopback address; or, with -redis, the
// address of one that runs, which it leaves running.
//
// -kill=false -restart=false is the plain load run. With -limit 1000 -window 10s
// -duration 60s a request costs about an eighth of a call to Redis.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// settings is what a run is about.
type settings struct {
	programs, callers, limit int
	duration, window, down   time.Duration
	latency                  [2]time.Duration
	algorithm                clerktest.Algorithm
	redis                    string
	kill, restart            bool
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == programArg {
		runProgram(os.Stdin, os.Stdout)
		return
	}
	s, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func parse(args []string) (*settings, error) {
	s := &settings{}
	var algorithm string
	f := flag.NewFlagSet("fleet", flag.ContinueOnError)
	f.IntVar(&s.programs, "programs", 8, "number of `processes`")
	f.IntVar(&s.callers, "callers", 32, "`goroutines` in each that send one request after the other")
	f.DurationVar(&s.duration, "duration", 24*time.Second, "length of the run")
	f.IntVar(&s.limit, "limit", 200, "`requests` that the stand-in allows in a window")
	f.DurationVar(&s.window, "window", 2*time.Second, "length of the window")
	f.DurationVar(&s.latency[0], "latency-min", 20*time.Millisecond, "shortest round trip to the stand-in")
	f.DurationVar(&s.latency[1], "latency-max", 200*time.Millisecond, "longest round trip to the stand-in")
	f.StringVar(&algorithm, "algorithm", "sliding", "how the stand-in counts: sliding, fixed or token")
	f.StringVar(&s.redis, "redis", "", "`address` of a running Redis; empty: start one for the run")
	f.BoolVar(&s.kill, "kill", true, "kill a process (kill -9) when two fifths of the run are over")
	f.BoolVar(&s.restart, "restart", true, "kill Redis, and start it empty, when half of the run is over; needs a Redis of the run's own")
	f.DurationVar(&s.down, "down", 2*time.Second, "how long Redis stays away")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	var ok bool
	s.algorithm, ok = map[string]clerktest.Algorithm{
		"sliding": clerktest.SlidingLog, "fixed": clerktest.FixedWindow, "token": clerktest.TokenBucket,
	}[algorithm]
	switch {
	case f.NArg() > 0:
		return nil, fmt.Errorf("%q: there is nothing to be said but flags", f.Arg(0))
	case !ok:
		return nil, fmt.Errorf("-algorithm %s: want sliding, fixed or token", algorithm)
	case s.programs < 1 || s.callers < 1 || s.limit < 1:
		return nil, errors.New("-programs, -callers and -limit must be positive")
	case s.window < 100*time.Millisecond || s.duration < 2*s.window:
		return nil, errors.New("-window must be at least 100ms, -duration at least two windows")
	case s.latency[0] < 0 || s.latency[1] < s.latency[0]:
		return nil, errors.New("-latency-max must not be below -latency-min")
	}
	s.restart = s.restart && s.redis == ""
	s.kill = s.kill && s.programs > 1
	return s, nil
}
