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

	marks map[string]clerktest.Stats // what the stand-in had counted at turning points
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
	if err := f.watch(ctx); err != nil {
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

// event is something that happens to the fleet at a time of the run.
type event struct {
	at   time.Duration
	name string
	do   func(context.Context) error
}

const (
	redisKilled  = "Redis is killed"
	redisStarted = "Redis is started, empty"
	theEnd       = "the end"
)

func (f *fleet) plan() []event {
	var plan []event
	if f.kill {
		plan = append(plan, event{2 * f.duration / 5, "kill -9 of one process", func(context.Context) error {
			last := &f.members[len(f.members)-1]
			last.killed.Store(true)
			return last.process.Kill()
		}})
	}
	if f.restart {
		plan = append(plan,
			event{f.duration / 2, redisKilled, f.redis.kill},
			event{f.duration/2 + redisAway, redisStarted, f.redis.start})
	}
	return append(plan, event{f.duration, theEnd, func(context.Context) error { return nil }})
}

// watch runs the plan, and prints every second how it goes.
func (f *fleet) watch(ctx context.Context) error {
	// The run begins with the first request, so that starting processes does not
	// count against the limit.
	for f.clerk.Stats().Accepted == 0 {
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	start, second := time.Now(), time.Second
	before := make([]int64, len(f.members))
	for plan := f.plan(); len(plan) > 0; {
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		now := time.Since(start)
		if now >= plan[0].at {
			f.marks[plan[0].name] = f.clerk.Stats()
			fmt.Printf("%5.1f s  %s\n", now.Seconds(), plan[0].name)
			if err := plan[0].do(ctx); err != nil {
				return err
			}
			plan = plan[1:]
		}
		if now >= second {
			second += time.Second
			f.print(now, before)
		}
	}
	fmt.Println()
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
func (f *fleet) print(now time.Duration, before []int64) {
	stats := f.clerk.Stats()
	fmt.Printf("%5.1f s  accepted %5d  429s %d  in the last second, by program:", now.Seconds(), stats.Accepted, stats.Rejected)
	for i := range f.members {
		m, done := &f.members[i], f.members[i].done.Load()
		switch {
		case m.ended.Load():
			fmt.Print(" dead")
		case m.away.Load():
			fmt.Printf(" %d*", done-before[i])
		default:
			fmt.Printf(" %d", done-before[i])
		}
		before[i] = done
	}
	fmt.Println()
}
