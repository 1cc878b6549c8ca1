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
	URL     string
	Redis   string
	Callers int
	Limit   int
	Window  time.Duration
}

// progress is what a program says about itself, as lines of JSON.
type progress struct {
	Done     int64 // requests that were answered, and not with a 429
	Met429   int64 // answers with a 429, of which the throttle repeats the request
	Failed   int64 // requests that failed
	FirstErr string
	Away     bool // it has lost its Redis
	Losses   int  // how often it has
}

// runProgram is one program of the fleet.
func runProgram(in io.Reader, out io.Writer) {
	signal.Ignore(os.Interrupt) // the parent hears it, and closes our input
	var o order
	dec := json.NewDecoder(in)
	if err := dec.Decode(&o); err != nil {
		return
	}
	redis.SetLogger(silent{}) // it would write into the table what the table shows
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
	losses   int  // how often Redis went away
	away     bool // it is

	done, met429, failed atomic.Int64
	firstErr             atomic.Pointer[string]
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
		clerkthrottle.WithBase(&counter{base, &p.met429}),
		clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, o.Limit, o.Window),
		clerkthrottle.WithMaxWait(time.Hour),
	)
	return p, err
}

// counter counts the 429s that arrive below the throttle.
type counter struct {
	base http.RoundTripper
	n    *atomic.Int64
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.base.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusTooManyRequests {
		c.n.Add(1)
	}
	return resp, err
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
	enc := json.NewEncoder(out)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		_ = enc.Encode(p.progress())
	}
	callers.Wait()
	_ = p.throttle.Close()
	_ = p.rdb.Close()
}

func (p *program) progress() progress {
	away := p.throttle.Snapshot().Fleet.Error != ""
	if away && !p.away {
		p.losses++
	}
	p.away = away
	s := progress{Done: p.done.Load(), Met429: p.met429.Load(), Failed: p.failed.Load(), Away: away, Losses: p.losses}
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
	case errors.Is(err, context.Canceled):
		return
	case err != nil:
		p.fail(err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		p.fail(errors.New(resp.Status))
		return
	}
	p.done.Add(1)
}

func (p *program) fail(err error) {
	p.failed.Add(1)
	msg := err.Error()
	p.firstErr.CompareAndSwap(nil, &msg)
	time.Sleep(100 * time.Millisecond) // rather than fail in a hot loop
}
