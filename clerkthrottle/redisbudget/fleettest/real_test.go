//go:build unix

package fleettest

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
)

// crowd is a fleet in this process that keeps a limit saturated, in real time.
type crowd struct {
	*service
	n        int
	window   time.Duration
	programs []*program
}

// gather starts programs of 16 callers, each with its own client.
func gather(t *testing.T, programs int, client func() redis.Scripter) *crowd {
	t.Helper()
	c := &crowd{service: &service{latency: uniform(time.Millisecond, 30*time.Millisecond)}, n: 30, window: time.Second}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range programs {
		c.join(t, ctx, &all, client())
	}
	t.Cleanup(func() { cancel(); all.Wait() })
	waitForMore(t, c.service, 2*c.n, "two windows")
	return c
}

func (c *crowd) join(t *testing.T, ctx context.Context, all *sync.WaitGroup, rdb redis.Scripter) {
	p := join(t, newBudget(t, rdb, realTime()...), c.service, c.n, c.window)
	c.programs = append(c.programs, p)
	p.work(ctx, all, 16, nil)
}

// reached returns how many programs can reach their Redis.
func (c *crowd) reached() (n int) {
	for _, p := range c.programs {
		if p.Snapshot().Fleet.Reached {
			n++
		}
	}
	return n
}

// verdict checks what must always hold.
func (c *crowd) verdict(t *testing.T) {
	t.Helper()
	waitFor(t, "all to reach Redis", func() bool { return c.reached() == len(c.programs) })
	waitForMore(t, c.service, 3*c.n, "three windows afterwards")
	if most := c.most(c.window); most > c.n {
		t.Errorf("%d requests in a window, want at most %d", most, c.n)
	}
	for i, p := range c.programs {
		if failed := p.failed.Load(); failed > 0 {
			t.Errorf("%d requests of program %d failed", failed, i)
		}
	}
}

// Whatever a real server does, all programs go on, and no window sees more than N.
func TestRealServerFails(t *testing.T) {
	serverBinary(t)
	ctx := context.Background()
	for name, c := range map[string]struct {
		args     []string
		away     bool // the programs notice that Redis is away
		do, undo func(t *testing.T, s *realRedis, rdb *redis.Client)
	}{
		"killed, and back empty": {
			away: true,
			do:   func(_ *testing.T, s *realRedis, _ *redis.Client) { s.kill() },
			undo: func(t *testing.T, s *realRedis, _ *redis.Client) { s.start(t) },
		},
		"killed, and back with its data": {
			args: []string{"--appendonly", "yes", "--appendfsync", "always"},
			away: true,
			do:   func(_ *testing.T, s *realRedis, _ *redis.Client) { s.kill() },
			undo: func(t *testing.T, s *realRedis, _ *redis.Client) { s.start(t) },
		},
		"stopped": {
			away: true,
			do:   func(_ *testing.T, s *realRedis, _ *redis.Client) { _ = s.cmd.Process.Signal(syscall.SIGSTOP) },
			undo: func(_ *testing.T, s *realRedis, _ *redis.Client) { _ = s.cmd.Process.Signal(syscall.SIGCONT) },
		},
		"read only": {
			away: true,
			do:   func(_ *testing.T, _ *realRedis, rdb *redis.Client) { rdb.SlaveOf(ctx, "127.0.0.1", "1") },
			undo: func(_ *testing.T, _ *realRedis, rdb *redis.Client) { rdb.SlaveOf(ctx, "NO", "ONE") },
		},
		"out of memory": {
			away: true,
			do:   func(_ *testing.T, _ *realRedis, rdb *redis.Client) { rdb.ConfigSet(ctx, "maxmemory", "1") },
			undo: func(_ *testing.T, _ *realRedis, rdb *redis.Client) { rdb.ConfigSet(ctx, "maxmemory", "0") },
		},
		"clients paused": {
			away: true,
			do:   func(_ *testing.T, _ *realRedis, rdb *redis.Client) { rdb.Do(ctx, "CLIENT", "PAUSE", "5000", "ALL") },
		},
		"flushed": {
			do: func(t *testing.T, _ *realRedis, rdb *redis.Client) { must(t, rdb.FlushAll(ctx).Err()) },
		},
		"scripts flushed": {
			do: func(t *testing.T, _ *realRedis, rdb *redis.Client) { must(t, rdb.ScriptFlush(ctx).Err()) },
		},
		"evicted": {do: func(t *testing.T, _ *realRedis, rdb *redis.Client) { evict(t, rdb) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, c.args...)
			rdb := s.client(t)
			fleet := gather(t, 3, func() redis.Scripter { return s.client(t) })
			c.do(t, s, rdb)
			if c.away {
				waitFor(t, "all to notice", func() bool { return fleet.reached() == 0 })
			}
			waitForMore(t, fleet.service, 2*fleet.n, "all to go on")
			if c.undo != nil {
				c.undo(t, s, rdb)
			}
			fleet.verdict(t)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// evict makes Redis run out of memory until it evicts a key of the budget, which
// begins a new epoch.
func evict(t *testing.T, rdb *redis.Client) {
	t.Helper()
	ctx := context.Background()
	const budget = "clerkthrottle:{default}:budget"
	before := rdb.HGet(ctx, budget, "e").Val()
	must(t, rdb.ConfigSet(ctx, "maxmemory-policy", "allkeys-random").Err())
	must(t, rdb.ConfigSet(ctx, "maxmemory", "3mb").Err())
	junk := strings.Repeat("x", 100_000)
	waitFor(t, "an eviction", func() bool {
		for i := range 50 {
			rdb.Set(ctx, "junk"+strconv.Itoa(i), junk, time.Minute)
		}
		return rdb.HGet(ctx, budget, "e").Val() != before
	})
	must(t, rdb.ConfigSet(ctx, "maxmemory", "0").Err())
}

// Redis holds no secret, keys with one hash tag, nothing without an expiry, and
// little in all.
func TestKeys(t *testing.T) {
	t.Parallel()
	rdb := startServer(t).client(t)
	ctx := context.Background()
	s := &service{latency: func() time.Duration { return 0 }}
	const programs = 8
	for range programs {
		p := join(t, newBudget(t, rdb, redisbudget.WithName("team"), redisbudget.WithTimeout(5*time.Second)), s, 1000, 10*time.Second)
		p.mustGet(t, "/")
		p.mustGet(t, "/users/secret")
	}
	s.answer = blockOnce(60)
	p := join(t, newBudget(t, rdb, redisbudget.WithName("team")), s, 1000, 10*time.Second)
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := p.get(short, "/blocked"); err == nil {
		t.Error("the block is not heeded")
	}
	waitFor(t, "the block to be told", func() bool { return rdb.DBSize(ctx).Val() >= 4 })
	keys := rdb.Keys(ctx, "*").Val()
	if len(keys) != 4 {
		t.Fatalf("keys %q; want the budget, its blocks, and two limits", keys)
	}
	for _, key := range keys {
		if !strings.HasPrefix(key, "clerkthrottle:{team}:") || strings.Contains(key, "secret") {
			t.Errorf("key %q", key)
		}
		ttl, used := rdb.PTTL(ctx, key).Val(), rdb.MemoryUsage(ctx, key, 0).Val()
		t.Logf("%s: %d bytes, expires in %v", key, used, ttl.Round(time.Second))
		if ttl <= 0 || ttl > 31*24*time.Hour {
			t.Errorf("%s expires in %v", key, ttl)
		}
		if used > 400+programs*150 {
			t.Errorf("%s takes %d bytes", key, used)
		}
	}
}
