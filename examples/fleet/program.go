package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
)

// programArg is the argument that makes this executable one program of the fleet.
const programArg = "-one-program-of-the-fleet"

// secretKey is the same in all programs: they are replicas of one.
const secretKey = "sk_live_fleet"

// order is what a program is told, as one line of JSON on its standard input.
// It runs until that is closed.
type order struct {
	URL, Redis     string
	Callers, Limit int
	Window         time.Duration
}

// progress is what a program says about itself, as lines of JSON.
type progress struct {
	Done     int64 // requests that were answered, and not with a 429
	Failed   int64 // requests that failed
	FirstErr string
	Away     bool // it has lost its Redis
}

// runProgram is one program of the fleet.
func runProgram(in io.Reader, out io.Writer) {
	signal.Ignore(os.Interrupt) // the parent hears it, and closes our input
	var o order
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return
	}
	redis.SetLogger(silent{}) // it would write into the lines what they show
	p, err := newProgram(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fleet: program:", err)
		os.Exit(1)
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, in)
		stop()
	}()
	p.work(ctx, out)
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

type program struct {
	order
	throttle *clerkthrottle.Transport
	rdb      *redis.Client

	done, failed atomic.Int64
	firstErr     atomic.Pointer[string]
}

func newProgram(o order) (*program, error) {
	p := &program{order: o, rdb: redis.NewClient(&redis.Options{Addr: o.Redis, DisableIdentity: true})}
	budget, err := redisbudget.New(p.rdb, redisbudget.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.MaxIdleConnsPerHost = o.Callers
	p.throttle, err = clerkthrottle.NewTransport(
		clerkthrottle.WithBudget(budget),
		clerkthrottle.WithBase(base),
		clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, o.Limit, o.Window),
		clerkthrottle.WithMaxWait(time.Hour),
	)
	return p, err
}

// work keeps all callers busy until ctx ends, and tells how it goes.
func (p *program) work(ctx context.Context, out io.Writer) {
	var callers sync.WaitGroup
	for range p.Callers {
		callers.Go(func() {
			for ctx.Err() == nil {
				p.call(ctx)
			}
		})
	}
	for enc := json.NewEncoder(out); ctx.Err() == nil; _ = enc.Encode(p.progress()) {
		_ = pause(ctx, 100*time.Millisecond)
	}
	callers.Wait()
	_ = p.throttle.Close()
	_ = p.rdb.Close()
}

func (p *program) progress() progress {
	s := progress{Done: p.done.Load(), Failed: p.failed.Load(), Away: !p.throttle.Snapshot().Fleet.Reached}
	if msg := p.firstErr.Load(); msg != nil {
		s.FirstErr = *msg
	}
	return s
}

// call sends one request.
func (p *program) call(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+"/v1/users/count", nil)
	if err != nil {
		p.fail(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+secretKey)
	resp, err := p.throttle.RoundTrip(req)
	switch {
	case err == nil:
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			p.done.Add(1)
		} else {
			p.fail(errors.New(resp.Status))
		}
	case ctx.Err() == nil:
		p.fail(err)
	}
}

func (p *program) fail(err error) {
	p.failed.Add(1)
	msg := err.Error()
	p.firstErr.CompareAndSwap(nil, &msg)
	time.Sleep(100 * time.Millisecond) // rather than fail in a hot loop
}
