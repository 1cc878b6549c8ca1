package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisServer is the Redis of a run: a process of its own, or one that is running
// already.
type redisServer struct {
	addr  string
	cmd   *exec.Cmd // nil: it is not the run's own
	rdb   *redis.Client
	calls int64 // of scripts, before the server was last started
}

// startRedis starts a redis-server, unless the run is given one.
func startRedis(ctx context.Context, addr string) (r *redisServer, err error) {
	r = &redisServer{addr: addr}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if addr == "" {
		if r.addr, err = freeAddress(); err != nil {
			return r, err
		}
		if err = r.start(); err != nil {
			return r, err
		}
	}
	r.rdb = redis.NewClient(&redis.Options{Addr: r.addr, DisableIdentity: true})
	for range 100 {
		if err = r.rdb.Ping(ctx).Err(); err == nil {
			r.calls = -r.stats(ctx)
			return r, nil
		}
		_ = pause(ctx, 20*time.Millisecond)
	}
	return r, fmt.Errorf("no Redis answers at %s: %w", r.addr, err)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (r *redisServer) start() error {
	bin := os.Getenv("REDIS_SERVER_BIN")
	if bin == "" {
		var err error
		if bin, err = exec.LookPath("redis-server"); err != nil {
			return errors.New("there is no redis-server in PATH. Install one (apt-get install redis-server, brew install redis), " +
				"name it in REDIS_SERVER_BIN, or give the address of a running one with -redis")
		}
	}
	_, port, _ := net.SplitHostPort(r.addr)
	r.cmd = exec.Command(bin, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "warning")
	return r.cmd.Start()
}

// kill ends the process, as a crash would. What it knew is lost.
func (r *redisServer) kill(ctx context.Context) {
	r.calls += r.stats(ctx)
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// total returns the script calls of the run.
func (r *redisServer) total(ctx context.Context) int64 { return r.calls + r.stats(ctx) }

// stats returns the script calls since the server was started.
func (r *redisServer) stats(ctx context.Context) (calls int64) {
	info, _ := r.rdb.Info(ctx, "commandstats").Result()
	for _, name := range []string{"eval", "evalsha"} {
		_, rest, _ := strings.Cut(info, "cmdstat_"+name+":calls=")
		text, _, _ := strings.Cut(rest, ",")
		n, _ := strconv.ParseInt(text, 10, 64)
		calls += n
	}
	return calls
}

func (r *redisServer) close() {
	if r.rdb != nil {
		_ = r.rdb.Close()
	}
	if r.cmd != nil && r.cmd.Process != nil {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
	}
}
