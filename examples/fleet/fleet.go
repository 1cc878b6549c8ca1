package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// The stand-in is a round trip of 20 to 200 ms away, and Redis stays away for two
// seconds.
const (
	nearest, farthest = 20 * time.Millisecond, 200 * time.Millisecond
	redisAway         = 2 * time.Second
)

// member is one process of the fleet, as the run sees it.
type member struct {
	process *os.Process
	done    atomic.Int64 // requests that the stand-in has accepted
	before  int64        // of those, how many were printed
	away    atomic.Bool  // it does not reach its Redis
	killed  atomic.Bool  // by the run
	ended   atomic.Bool
}

// fleet is a run that is under way.
type fleet struct {
	*settings
	clerk   *clerktest.Server
	redis   *redisServer
	members []member
	running sync.WaitGroup

	begun   time.Time
	printed time.Duration              // of the run
	marks   map[string]clerktest.Stats // what the stand-in had counted at turning points
}

func run(ctx context.Context, s *settings) error {
	r, err := startRedis(ctx, s.redis)
	if err != nil {
		return err
	}
	defer r.close()
	f := &fleet{settings: s, redis: r, members: make([]member, s.programs), marks: make(map[string]clerktest.Stats)}
	f.clerk = clerktest.New(
		clerktest.WithLimits(clerkthrottle.Limit{Name: clerkthrottle.InstanceLimit, N: s.limit, Window: s.window}),
		clerktest.WithLatency(clerktest.Uniform(nearest, farthest)),
		clerktest.WithLogSize(0),
		clerktest.WithHandler(http.HandlerFunc(f.accept)),
	)
	url := f.clerk.Start()
	defer f.clerk.Close()
	fmt.Printf("%d processes of %d callers each share %d requests per %s, %s to %s away. (*: without Redis)\n\n",
		s.programs, s.callers, s.limit, s.window, nearest, farthest)
	ctx, stop := context.WithCancel(ctx)
	defer f.running.Wait()
	defer stop()
	for i := range f.members {
		if err := f.start(ctx, order{i, url, r.addr, s.callers, s.limit, s.window}); err != nil {
			return err
		}
	}
	if err := f.play(ctx); err != nil {
		return err
	}
	return f.verdict(ctx)
}

// start starts this executable once more, as a program of the fleet. It is killed
// when ctx ends.
func (f *fleet) start(ctx context.Context, o order) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	argument, err := json.Marshal(o)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, programArg, string(argument))
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // closes when this process ends
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	m := &f.members[o.Program]
	m.process = cmd.Process
	f.running.Go(func() {
		_ = cmd.Wait()
		m.ended.Store(true)
	})
	return nil
}

// accept answers a request that the limit has let through.
func (f *fleet) accept(w http.ResponseWriter, r *http.Request) {
	if i, err := strconv.Atoi(r.Header.Get(programHeader)); err == nil {
		f.members[i].done.Add(1)
		f.members[i].away.Store(r.Header.Get(reachedHeader) != "true")
	}
	_, _ = io.WriteString(w, "{}")
}

const (
	programKilled = "kill -9 of one process"
	redisKilled   = "Redis is killed"
	redisStarted  = "Redis is started, empty"
	theEnd        = "the end"
)

// play runs the fleet, and lets happen to it what the settings say.
func (f *fleet) play(ctx context.Context) error {
	// The run begins with the first request, so that starting processes does not
	// count against the limit.
	for f.clerk.Stats().Accepted == 0 {
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	f.begun = time.Now()
	if f.kill {
		last := &f.members[len(f.members)-1]
		if err := f.until(ctx, 2*f.duration/5, programKilled); err != nil {
			return err
		}
		last.killed.Store(true)
		_ = last.process.Kill()
	}
	if f.restart {
		if err := f.until(ctx, f.duration/2, redisKilled); err != nil {
			return err
		}
		f.redis.kill(ctx)
		if err := f.until(ctx, f.duration/2+redisAway, redisStarted); err != nil {
			return err
		}
		if err := f.redis.start(); err != nil {
			return err
		}
	}
	return f.until(ctx, f.duration, theEnd)
}

// until prints every second how it goes, up to a turning point of the run.
func (f *fleet) until(ctx context.Context, at time.Duration, name string) error {
	for time.Since(f.begun) < at {
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		if now := time.Since(f.begun); now >= f.printed+time.Second {
			f.printed += time.Second
			f.print(now)
		}
	}
	f.marks[name] = f.clerk.Stats()
	fmt.Printf("%5.1f s  %s\n", at.Seconds(), name)
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return errors.New("interrupted")
	case <-time.After(d):
		return nil
	}
}

// print prints how many requests of each program were accepted since the last time.
func (f *fleet) print(now time.Duration) {
	stats := f.clerk.Stats()
	fmt.Printf("%5.1f s  accepted %5d  429s %d  in the last second, by program:", now.Seconds(), stats.Accepted, stats.Rejected)
	for i := range f.members {
		m, done := &f.members[i], f.members[i].done.Load()
		switch {
		case m.ended.Load():
			fmt.Print(" dead")
		case m.away.Load():
			fmt.Printf(" %d*", done-m.before)
		default:
			fmt.Printf(" %d", done-m.before)
		}
		m.before = done
	}
	fmt.Println()
}
