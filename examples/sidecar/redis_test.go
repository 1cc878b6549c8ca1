package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// redisServer starts a Redis of the test's own and returns its URL.
func redisServer(t *testing.T) string {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CLERKTHROTTLE_REQUIRE_REDIS") != "" {
			t.Fatal("CLERKTHROTTLE_REQUIRE_REDIS is set, and redis-server is not installed")
		}
		t.Skip("left out: redis-server is not installed")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.Command(bin, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 100 {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return "redis://" + address
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("redis-server does not answer")
	return ""
}

// Sidecars with the same Redis draw on one budget: together they send Clerk no more
// than the limit, whichever of them the clients ask. The window is longer than the
// test, so that no token comes back. On a busy machine a sidecar may give Redis up
// for a moment, and keeps to its part of the budget meanwhile.
func TestSidecarsShareARedis(t *testing.T) {
	const limit = 40
	redis := redisServer(t)
	clerk := clerktest.New(clerktest.WithLimits(clerkthrottle.Limit{Name: "instance", N: limit, Window: time.Hour}))
	upstream := clerk.Start()
	defer clerk.Close()
	var served, refused atomic.Int32
	var wg sync.WaitGroup
	for range 2 {
		url := start(t, upstream, "-limit", "40/1h", "-reserve", "0", "-redis", redis)
		c := client(t)
		for range limit {
			wg.Go(func() {
				resp, err := c.Do(request(t, "GET", url+"/v1/users", "Authorization", "Bearer sk_test_x"))
				if err != nil {
					t.Error(err)
					return
				}
				_ = resp.Body.Close()
				switch resp.StatusCode {
				case http.StatusOK:
					served.Add(1)
				case http.StatusTooManyRequests:
					refused.Add(1)
				default:
					t.Error(resp.Status)
				}
			})
		}
	}
	wg.Wait()
	if s := clerk.Stats(); s.Rejected != 0 || served.Load() == 0 || served.Load() > limit || served.Load()+refused.Load() != 2*limit {
		t.Errorf("%d served, %d refused by the sidecars, %d by Clerk", served.Load(), refused.Load(), s.Rejected)
	}
}

// A Redis that does not answer is told of at once, by the log and by the health
// endpoint, and holds nobody up.
func TestRedisAwayIsToldByTheHealth(t *testing.T) {
	upstream := echo(t)
	url := start(t, upstream, "-redis", "redis://127.0.0.1:1")
	resp, body := do(t, request(t, "GET", url+"/-/health"))
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), "degraded: Redis does not answer") {
		t.Errorf("%s %s", resp.Status, body)
	}
	if resp, body := do(t, request(t, "GET", url+"/v1/users", "Authorization", "Bearer sk_test_x")); resp.StatusCode != http.StatusOK {
		t.Errorf("%s %s", resp.Status, body)
	}
	if _, body := do(t, request(t, "GET", start(t, upstream, "-redis", redisServer(t))+"/-/health")); string(body) != "ok\n" {
		t.Errorf("with Redis: %s", body)
	}
}

func TestRedisAwayAtStartIsLoggedOnce(t *testing.T) {
	o, err := parseOptions([]string{"-listen", "127.0.0.1:0", "-redis", "redis://:secret@127.0.0.1:1"}, func(string) string { return "" }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var log lines
	stop() // it starts, and stops at once
	if err := run(ctx, o, slog.New(slog.NewTextHandler(&log, nil))); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "Redis"); n != 1 || strings.Contains(log.String(), "secret") {
		t.Errorf("%d lines tell of Redis: %s", n, log.String())
	}
}
