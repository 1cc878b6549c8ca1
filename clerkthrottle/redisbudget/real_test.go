package redisbudget

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// What is kept in Redis: no secret, one hash tag, nothing that does not expire,
// and little.
func TestKeys(t *testing.T) {
	rdb := startServer(t).client(t)
	ctx := context.Background()
	const secret = "sk_live_secret"
	c := &transport.Claim{Endpoint: "PATCH /v1/users/{user_id}", Key: secret + " PATCH", Limits: []transport.Limit{
		{Name: "user", Key: secret + " user_1", N: 10, Window: 10 * time.Second},
		{Name: "hourly", Key: secret + " hourly", N: 100, Window: time.Hour},
		{Name: "instance", Key: secret + " instance", N: 1000, Window: 10 * time.Second},
	}}
	all := &transport.Claim{Endpoint: "GET /", Key: secret + " GET", Limits: c.Limits[2:]}
	for range 8 {
		b := newBudget(t, rdb, WithName("team"), WithTimeout(time.Second))
		l := mustAcquire(t, b, c)
		l.Block(time.Minute)
		l.Settle(transport.Throttled)
		for range 120 {
			mustAcquire(t, b, all).Settle(transport.Answered)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if b.Status().Away {
			t.Fatal("Redis is taken to be away")
		}
		// The next program's requests must not wait for this block.
		keys, _ := rdb.Keys(ctx, "*:g:*").Result()
		rdb.Del(ctx, keys...)
	}
	l := mustAcquire(t, newBudget(t, rdb, WithName("team"), WithTimeout(time.Second)), c)
	l.Block(time.Minute)
	l.Settle(transport.Throttled)
	waitFor(t, "the block to be told", func() bool { return rdb.DBSize(ctx).Val() >= 4 })

	keys, err := rdb.Keys(ctx, "*").Result()
	if err != nil || len(keys) != 4 {
		t.Fatalf("keys %q, %v; want three limits and a gate", keys, err)
	}
	for _, key := range keys {
		if !strings.HasPrefix(key, "clerkthrottle:{team}:") || strings.Contains(key, "sk_") || strings.Contains(key, "secret") {
			t.Errorf("key %q", key)
		}
		ttl := rdb.PTTL(ctx, key).Val()
		if ttl <= 0 || ttl > time.Hour+time.Minute {
			t.Errorf("%s expires in %v", key, ttl)
		}
		used := rdb.MemoryUsage(ctx, key, 0).Val()
		t.Logf("%s: %d bytes, expires in %v", key, used, ttl.Round(time.Second))
		if used > 4096 {
			t.Errorf("%s takes %d bytes", key, used)
		}
	}
}

func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}

// What a call costs Redis when the limit is used up.
func TestScriptCost(t *testing.T) {
	rdb := startServer(t).client(t)
	c := claim(1000, time.Minute)
	p := newBudget(t, rdb, WithTimeout(time.Second))
	for range 1000 {
		mustAcquire(t, p, c).Settle(transport.Answered)
	}
	best := time.Hour
	for range 5 { // others use this machine, too
		rdb.ConfigResetStat(context.Background())
		for range 200 {
			p.mu.Lock()
			for _, ln := range p.lines.all() {
				ln.notBefore = 0
			}
			p.mu.Unlock()
			if _, ok := tryAcquire(t, p, c); ok {
				t.Fatal("a token of a full bucket")
			}
		}
		_, each := scriptStats(t, rdb)
		best = min(best, each)
	}
	t.Logf("%v a call", best)
	if best > 100*time.Microsecond {
		t.Errorf("a call takes %v at a full bucket, want at most 100µs", best)
	}
}

// The states that a real server can be put in, and out of again.
func TestRealServerGoesAwayAndComesBack(t *testing.T) {
	ctx := context.Background()
	s := startServer(t)
	rdb := s.client(t)
	b := newBudget(t, rdb)
	c := claim(100000, 10*time.Second)
	use := func(what string) {
		t.Helper()
		start := time.Now()
		mustAcquire(t, b, c).Settle(transport.Answered)
		if took := time.Since(start); took > time.Second { // TestHungRedis… is exact; this machine may be busy
			t.Errorf("%s: a request waited %v", what, took)
		}
	}
	back := func(what string) {
		t.Helper()
		waitFor(t, "the budget to come back: "+what, func() bool { return !b.Status().Away })
	}
	use("all is well")
	for what, do := range map[string][2]func(){
		"out of memory": {
			func() { rdb.ConfigSet(ctx, "maxmemory", "1") },
			func() { rdb.ConfigSet(ctx, "maxmemory", "0") },
		},
		"read only": {
			func() { rdb.SlaveOf(ctx, "127.0.0.1", "1") },
			func() { rdb.SlaveOf(ctx, "NO", "ONE") },
		},
		"hung": {
			func() { _ = s.cmd.Process.Signal(syscall.SIGSTOP) },
			func() { _ = s.cmd.Process.Signal(syscall.SIGCONT) },
		},
		"killed": {
			func() { s.kill() },
			func() { s.start(t) },
		},
	} {
		do[0]()
		use(what)
		waitFor(t, "the budget to notice: "+what, func() bool { return b.Status().Away })
		use(what)
		do[1]()
		back(what)
	}
	if err := rdb.ScriptFlush(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	use("scripts flushed")
	if s := b.Status(); s.Away {
		t.Errorf("scripts flushed: taken to be away: %v", s.Err)
	}
}

// A fleet over sockets, through the whole throttle, whose Redis is killed and
// comes back empty: nothing fails, and the server sees no more than the limit.
func TestFleetOverSockets(t *testing.T) {
	const n, window, programs = 200, 2 * time.Second, 4
	s := startServer(t)
	clerk := clerktest.New(
		clerktest.WithLimits(clerkthrottle.Limit{Name: clerkthrottle.InstanceLimit, N: n, Window: window}),
		clerktest.WithLatency(clerktest.Uniform(20*time.Millisecond, 100*time.Millisecond)))
	url := clerk.Start()
	defer clerk.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var callers sync.WaitGroup
	var failed atomic.Int64
	var firstErr atomic.Value
	for range programs {
		base := http.DefaultTransport.(*http.Transport).Clone()
		base.MaxIdleConnsPerHost = 32
		defer base.CloseIdleConnections()
		client, err := clerkthrottle.NewClient(clerkthrottle.WithBase(base), clerkthrottle.WithBudget(newBudget(t, s.client(t))),
			clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, n, window))
		if err != nil {
			t.Fatal(err)
		}
		for range 16 {
			callers.Go(func() {
				for ctx.Err() == nil {
					if err := get(ctx, client, url); err != nil && ctx.Err() == nil {
						failed.Add(1)
						firstErr.CompareAndSwap(nil, err)
					}
				}
			})
		}
	}
	time.Sleep(4500 * time.Millisecond)
	before := clerk.Stats()
	s.kill()
	time.Sleep(1500 * time.Millisecond)
	s.start(t)
	time.Sleep(4 * time.Second)
	cancel()
	callers.Wait()
	stats := clerk.Stats()
	t.Logf("%d requests accepted and %d answered 429 with Redis, %d and %d from its death on", before.Accepted, before.Rejected,
		stats.Accepted-before.Accepted, stats.Rejected-before.Rejected)
	if failed.Load() > 0 {
		t.Errorf("%d requests failed, the first with %v", failed.Load(), firstErr.Load())
	}
	if before.Rejected > 0 {
		t.Errorf("%d requests were answered 429 while Redis was there", before.Rejected)
	}
	if after := stats.Rejected - before.Rejected; after > (stats.Accepted-before.Accepted)/100 {
		t.Errorf("%d requests were answered 429 after Redis died", after)
	}
	if before.Accepted < 2*n { // at 0 and 2 s; those at 4 s may be late where the machine is busy
		t.Errorf("%d requests in 4.5 s, want more than %d", before.Accepted, 2*n)
	}
}

func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/users/count", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer sk_live_fleet")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
