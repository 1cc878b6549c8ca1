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
	start   time.Time

	marks  []mark   // what the stand-in had counted at turning points
	events []string // what the run did to the fleet
}

// mark is the stand-in's count at one moment.
type mark struct {
	name     string
	at       time.Duration
	accepted int
	rejected int
	done     []int64 // by program
}

func run(ctx context.Context, s *settings) error {
	r, err := startRedis(ctx, s.redis)
	if err != nil {
		return err
	}
	defer r.close()
	f := &fleet{settings: s, redis: r, clerk: clerktest.New(
		clerktest.WithLimits(clerkthrottle.Limit{Name: clerkthrottle.InstanceLimit, N: s.limit, Window: s.window}),
		clerktest.WithAlgorithm(s.algorithm),
		clerktest.WithLatency(clerktest.Uniform(s.latency[0], s.latency[1])),
		clerktest.WithLogSize(0),
	)}
	url := f.clerk.Start()
	defer f.clerk.Close()
	defer f.stop()
	fmt.Printf("%d processes of %d callers each share %d requests per %s, counted by a %s, %s to %s away.\n\n",
		s.programs, s.callers, s.limit, s.window, s.algorithm, s.latency[0], s.latency[1])
	for range s.programs {
		m, err := startMember(order{URL: url, Redis: r.addr, Callers: s.callers, Limit: s.limit, Window: s.window})
		if m != nil {
			f.members = append(f.members, m)
		}
		if err != nil {
			return err
		}
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
	do   func(context.Context)
}

func (f *fleet) plan() []event {
	var plan []event
	if f.kill {
		plan = append(plan, event{2 * f.duration / 5, "kill -9 of one process", func(context.Context) { f.members[len(f.members)-1].kill() }})
	}
	if f.restart {
		plan = append(plan,
			event{f.duration / 2, "Redis is killed", f.redis.kill},
			event{f.duration/2 + f.down, "Redis is started, empty", func(context.Context) {
				if err := f.redis.start(); err != nil {
					f.events = append(f.events, err.Error())
				}
			}})
	}
	return plan
}

// watch runs the plan and shows the fleet until the run is over.
func (f *fleet) watch(ctx context.Context) error {
	// The run begins with the first request, so that starting processes does not
	// count against the limit.
	for f.clerk.Stats().Accepted == 0 {
		select {
		case <-ctx.Done():
			return errors.New("interrupted")
		case <-time.After(time.Millisecond):
		}
	}
	f.start = time.Now()
	f.mark("start")
	plan, show := f.plan(), newTable(f)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			show.end()
			return errors.New("interrupted")
		case <-tick.C:
		}
		now := time.Since(f.start)
		for len(plan) > 0 && now >= plan[0].at {
			f.mark(plan[0].name)
			f.events = append(f.events, fmt.Sprintf("%5.1f s  %s", now.Seconds(), plan[0].name))
			plan[0].do(ctx)
			plan = plan[1:]
		}
		if now >= f.duration {
			f.mark("end")
			show.end()
			return nil
		}
		show.draw(now)
	}
}

func (f *fleet) mark(name string) {
	stats := f.clerk.Stats()
	m := mark{name: name, at: time.Since(f.start), accepted: stats.Accepted, rejected: stats.Rejected}
	for _, p := range f.members {
		last, _ := p.progress()
		m.done = append(m.done, last.Done)
	}
	f.marks = append(f.marks, m)
}
