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

// redisServer is the Redis of a run: its own process, or one that runs already.
type redisServer struct {
	addr string
	bin  string
	dir  string
	cmd  *exec.Cmd // nil: it is not the run's own
	rdb  *redis.Client

	calls, micros int64 // of scripts, before the server was started last
}

// startRedis starts a redis-server, unless the run is given one.
func startRedis(ctx context.Context, addr string) (*redisServer, error) {
	r := &redisServer{addr: addr}
	if addr == "" {
		var err error
		if r.bin = os.Getenv("REDIS_SERVER_BIN"); r.bin == "" {
			if r.bin, err = exec.LookPath("redis-server"); err != nil {
				return nil, errors.New("there is no redis-server in PATH. Install one (apt-get install redis-server, brew install redis), " +
					"name it in REDIS_SERVER_BIN, or give the address of a running one with -redis")
			}
		}
		if r.dir, err = os.MkdirTemp("", "fleet-redis-"); err != nil {
			return nil, err
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		r.addr = l.Addr().String()
		_ = l.Close()
		if err := r.start(); err != nil {
			r.close()
			return nil, err
		}
	}
	r.rdb = redis.NewClient(&redis.Options{Addr: r.addr, DisableIdentity: true})
	if err := r.ready(ctx); err != nil {
		r.close()
		return nil, fmt.Errorf("no Redis answers at %s: %w", r.addr, err)
	}
	r.calls, r.micros = r.stats(ctx)
	r.calls, r.micros = -r.calls, -r.micros
	return r, nil
}

func (r *redisServer) start() error {
	_, port, _ := net.SplitHostPort(r.addr)
	r.cmd = exec.Command(r.bin, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--dir", r.dir, "--daemonize", "no", "--loglevel", "warning")
	r.cmd.SysProcAttr = ownGroup()
	return r.cmd.Start()
}

func (r *redisServer) ready(ctx context.Context) (err error) {
	for range 100 {
		if err = r.rdb.Ping(ctx).Err(); err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

// kill ends the process, as a crash would. What it knew is lost.
func (r *redisServer) kill(ctx context.Context) {
	calls, micros := r.stats(ctx)
	r.calls += calls
	r.micros += micros
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// totals returns the script calls of the run, and the time they took.
func (r *redisServer) totals(ctx context.Context) (calls int64, took time.Duration) {
	calls, micros := r.stats(ctx)
	return r.calls + calls, time.Duration(r.micros+micros) * time.Microsecond
}

// median returns the time in Redis that half of the script calls did not exceed,
// since the server was started. It is what the script costs even where the machine is busy
// with other things. Zero: the server does not tell (it is older than Redis 7).
func (r *redisServer) median(ctx context.Context) time.Duration {
	info, _ := r.rdb.Info(ctx, "latencystats").Result()
	_, rest, _ := strings.Cut(info, "latency_percentiles_usec_evalsha:p50=")
	text, _, _ := strings.Cut(rest, ",")
	us, _ := strconv.ParseFloat(text, 64)
	return time.Duration(us * float64(time.Microsecond))
}

// stats reads the script calls since the server was started.
func (r *redisServer) stats(ctx context.Context) (calls, micros int64) {
	info, _ := r.rdb.Info(ctx, "commandstats").Result()
	for _, line := range strings.Split(info, "\r\n") {
		name, rest, _ := strings.Cut(line, ":")
		if name != "cmdstat_evalsha" && name != "cmdstat_eval" {
			continue
		}
		for _, field := range strings.Split(rest, ",") {
			key, value, _ := strings.Cut(field, "=")
			n, _ := strconv.ParseInt(value, 10, 64)
			switch key {
			case "calls":
				calls += n
			case "usec":
				micros += n
			}
		}
	}
	return calls, micros
}

func (r *redisServer) close() {
	if r.rdb != nil {
		_ = r.rdb.Close()
	}
	if r.cmd != nil && r.cmd.Process != nil {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
	}
	if r.dir != "" {
		_ = os.RemoveAll(r.dir)
	}
}
