// Command fleet shows that separate programs share one limit exactly. It starts a
// number of operating-system processes, each with its own throttled client,
// against one stand-in for Clerk and one Redis. Half-way through, it kills one of
// them and restarts Redis. It prints every second how it goes, and ends with a
// verdict.
//
//	go run ./examples/fleet
//
// It needs a redis-server, found in PATH or named by REDIS_SERVER_BIN, which it
// starts for the run on a free port of the loopback address. With -redis it uses
// one that is running already, and leaves it running.
//
// -kill=false -restart=false is the plain load run. With -limit 1000 -window 10s
// -duration 60s a request costs about an eighth of a call to Redis.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

// settings is what a run is about.
type settings struct {
	programs, callers, limit int
	duration, window         time.Duration
	redis                    string
	kill, restart            bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 3 && os.Args[1] == programArg {
		os.Exit(flags.Exit("fleet: program", runProgram(ctx, os.Args[2]), os.Stderr))
	}
	s, err := parse(os.Args[1:], os.Stdout)
	if err == nil {
		err = run(ctx, s)
	}
	os.Exit(flags.Exit("fleet", err, os.Stderr))
}

func parse(args []string, out io.Writer) (*settings, error) {
	s := &settings{}
	f := flag.NewFlagSet("fleet", flag.ContinueOnError)
	f.IntVar(&s.programs, "programs", 8, "number of `processes`")
	f.IntVar(&s.callers, "callers", 32, "`goroutines` in each that send one request after the other")
	f.DurationVar(&s.duration, "duration", 24*time.Second, "length of the run")
	f.IntVar(&s.limit, "limit", 200, "`requests` that the stand-in allows in a window")
	f.DurationVar(&s.window, "window", 2*time.Second, "length of the window")
	f.StringVar(&s.redis, "redis", "", "`address` of a running Redis; empty: start one for the run")
	f.BoolVar(&s.kill, "kill", true, "kill a process (kill -9) after two fifths of the run")
	f.BoolVar(&s.restart, "restart", true, "kill Redis half-way, and start it again, empty, two seconds later; not with -redis")
	if err := flags.Parse(f, "fleet shows that separate programs share one limit exactly.", args, out); err != nil {
		return nil, err
	}
	if s.programs < 1 || s.callers < 1 || s.limit < 1 || s.window < 100*time.Millisecond || s.duration < 2*s.window {
		return nil, &flags.UsageError{Err: errors.New("-programs, -callers and -limit must be positive, -window at least 100ms, and -duration at least two windows")}
	}
	s.restart = s.restart && s.redis == ""
	s.kill = s.kill && s.programs > 1
	return s, nil
}
