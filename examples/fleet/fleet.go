package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// member is one process of the fleet, as its parent sees it.
type member struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ended chan struct{}

	mu   sync.Mutex
	last progress
	dead bool // killed by the run
}

// startMember starts this executable once more, as a program of the fleet.
func startMember(o order) (*member, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	m := &member{cmd: exec.Command(self, programArg), ended: make(chan struct{})}
	m.cmd.Stderr = os.Stderr
	m.cmd.SysProcAttr = ownGroup()
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := m.cmd.Start(); err != nil {
		return nil, err
	}
	go m.listen(out)
	return m, json.NewEncoder(m.stdin).Encode(o)
}

func (m *member) listen(out io.Reader) {
	defer close(m.ended)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var p progress
		if json.Unmarshal(lines.Bytes(), &p) == nil {
			m.mu.Lock()
			m.last = p
			m.mu.Unlock()
		}
	}
	_ = m.cmd.Wait()
}

// progress returns what the program said last, and whether it was killed.
func (m *member) progress() (p progress, dead bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last, m.dead
}

// kill is kill -9.
func (m *member) kill() {
	m.mu.Lock()
	m.dead = true
	m.mu.Unlock()
	_ = m.cmd.Process.Kill()
}

// stop lets the program end by itself.
func (m *member) stop() {
	m.stdin.Close()
	select {
	case <-m.ended:
	case <-time.After(3 * time.Second):
		_ = m.cmd.Process.Kill()
		<-m.ended
	}
}

// fleet is a run that is under way.
type fleet struct {
	*settings
	clerk   *clerktest.Server
	redis   *redisServer
	members []*member

	marks map[string]clerktest.Stats // what the stand-in had counted at turning points
}

func run(ctx context.Context, s *settings) error {
	r, err := startRedis(ctx, s.redis)
	if err != nil {
		return err
	}
	defer r.close()
	f := &fleet{settings: s, redis: r, marks: make(map[string]clerktest.Stats), clerk: clerktest.New(
		clerktest.WithLimits(clerkthrottle.Limit{Name: clerkthrottle.InstanceLimit, N: s.limit, Window: s.window}),
		clerktest.WithAlgorithm(s.algorithm),
		clerktest.WithLatency(clerktest.Uniform(s.latency[0], s.latency[1])),
		clerktest.WithLogSize(0),
	)}
	url := f.clerk.Start()
	defer f.clerk.Close()
	defer f.stop()
	fmt.Printf("%d processes of %d callers each share %d requests per %s, counted by a %s, %s to %s away. (*: without Redis)\n\n",
		s.programs, s.callers, s.limit, s.window, s.algorithm, s.latency[0], s.latency[1])
	for range s.programs {
		m, err := startMember(order{URL: url, Redis: r.addr, Callers: s.callers, Limit: s.limit, Window: s.window})
		if err != nil {
			return err
		}
		f.members = append(f.members, m)
	}
	if err := f.watch(ctx); err != nil {
		return err
	}
	return f.verdict(ctx)
}

// stop ends what the run started.
func (f *fleet) stop() {
	var all sync.WaitGroup
	for _, m := range f.members {
		all.Go(m.stop)
	}
	all.Wait()
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
)

func (f *fleet) plan() []event {
	var plan []event
	if f.kill {
		plan = append(plan, event{2 * f.duration / 5, "kill -9 of one process", func(context.Context) error {
			f.members[len(f.members)-1].kill()
			return nil
		}})
	}
	if f.restart {
		plan = append(plan,
			event{f.duration / 2, redisKilled, func(ctx context.Context) error { f.redis.kill(ctx); return nil }},
			event{f.duration/2 + f.down, redisStarted, func(context.Context) error { return f.redis.start() }})
	}
	return append(plan, event{f.duration, "the end", func(context.Context) error { return nil }})
}

// watch runs the plan, and tells every second how it goes.
func (f *fleet) watch(ctx context.Context) error {
	// The run begins with the first request, so that starting processes does not
	// count against the limit.
	for f.clerk.Stats().Accepted == 0 {
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	start, second := time.Now(), 0
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
		if now >= time.Duration(second+1)*time.Second {
			second++
			f.tell(now, before)
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

// tell prints how many requests each program has had answered since the last time.
func (f *fleet) tell(now time.Duration, before []int64) {
	stats := f.clerk.Stats()
	fmt.Printf("%5.1f s  accepted %5d  429s %d  in the last second, by program:", now.Seconds(), stats.Accepted, stats.Rejected)
	for i, m := range f.members {
		p, dead := m.progress()
		switch {
		case dead:
			fmt.Print(" dead")
		case p.Away:
			fmt.Printf(" %d*", p.Done-before[i])
		default:
			fmt.Printf(" %d", p.Done-before[i])
		}
		before[i] = p.Done
	}
	fmt.Println()
}
