//go:build unix

package fleettest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
)

// link is a connection to a Redis on which replication can be delayed.
type link struct {
	net.Listener
	to   string
	held atomic.Bool
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	in, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	l := &link{Listener: in, to: to}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go l.carry(client)
		}
	}()
	return l
}

// carry connects a client to the server. While the link is held, it does not forward
// what the server sends to a replica.
func (l *link) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	var replica atomic.Bool
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, err := server.Read(buf)
			if err != nil {
				break
			}
			if replica.Load() && l.held.Load() {
				continue
			}
			if _, err := client.Write(buf[:n]); err != nil {
				break
			}
		}
		_ = client.Close()
	}()
	buf := make([]byte, 1<<16)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if bytes.Contains(buf[:n], []byte("PSYNC")) {
			replica.Store(true)
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// startSentinel starts a Sentinel that watches a primary.
func startSentinel(t *testing.T, primary string) (addr string) {
	t.Helper()
	bin, err := exec.LookPath("redis-sentinel")
	if err != nil {
		if os.Getenv(requireRedis) != "" {
			t.Fatalf("%s is set, but there is no redis-sentinel in PATH", requireRedis)
		}
		t.Logf("LEFT OUT: %s needs a redis-sentinel in PATH", t.Name())
		t.SkipNow()
	}
	port := freePort(t)
	_, at, _ := net.SplitHostPort(primary)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	must(t, os.WriteFile(file, fmt.Appendf(nil, "port %d\nbind 127.0.0.1\nsentinel monitor fleet 127.0.0.1 %s 1\n"+
		"sentinel down-after-milliseconds fleet 500\nsentinel failover-timeout fleet 5000\n", port, at), 0o600))
	cmd := exec.Command(bin, file)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// A replica that has lagged behind takes over: it does not know of a program that
// joined meanwhile, nor of the tokens that others gave it.
func TestFailoverToALaggingReplica(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	primary := startServer(t)
	way := newLink(t, primary.addr())
	_, port, _ := net.SplitHostPort(way.Addr().String())
	replica := startServer(t, "--replicaof", "127.0.0.1 "+port)
	rdb := replica.client(t)
	waitFor(t, "the replica", func() bool { return strings.Contains(rdb.Info(ctx, "replication").Val(), "master_link_status:up") })
	sentinel := startSentinel(t, way.Addr().String())
	watcher := redis.NewSentinelClient(&redis.Options{Addr: sentinel, DisableIdentity: true})
	defer func() { _ = watcher.Close() }()
	waitFor(t, "Sentinel to know the replica", func() bool {
		all := watcher.Replicas(ctx, "fleet").Val()
		return len(all) == 1 && all[0]["flags"] == "slave" && all[0]["master-link-status"] == "ok"
	})
	client := func() redis.Scripter {
		rdb := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "fleet", SentinelAddrs: []string{sentinel}, DisableIdentity: true})
		t.Cleanup(func() { _ = rdb.Close() })
		return rdb
	}
	fleet := gather(t, 3, client)
	way.held.Store(true)
	late := func() int { return int(fleet.programs[3].done.Load()) }
	more, end := context.WithCancel(ctx)
	var all sync.WaitGroup
	fleet.join(t, more, &all, client())
	defer func() { end(); all.Wait() }()
	waitFor(t, "the late program to own its part", func() bool { return late() >= fleet.n/4 })
	known := rdb.HLen(ctx, "clerkthrottle:{default}:budget").Val()
	primary.kill()
	waitFor(t, "the replica to take over", func() bool { return strings.Contains(rdb.Info(ctx, "replication").Val(), "role:master") })
	t.Logf("the replica knew %d of %d programs", known-3, len(fleet.programs))
	if known != 6 {
		t.Errorf("the replica knows %d fields, want those of three programs: it did not lag", known)
	}
	fleet.verdict(t)
}
