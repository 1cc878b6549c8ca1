package redisbudget

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// inMemory returns a Redis that lives in a bubble of virtual time, and a client
// that reaches it without a socket.
func inMemory(t testing.TB) (*miniredis.Miniredis, *redis.Client) {
	t.Helper()
	m := miniredis.NewMiniRedis()
	t.Cleanup(m.Close)
	rdb := connect(t, m)
	rdb.Ping(t.Context()) // from here on m.Server() is there
	return m, rdb
}

// connect returns one more client of a Redis in memory.
func connect(t testing.TB, m *miniredis.Miniredis) *redis.Client {
	rdb := redis.NewClient(&redis.Options{
		Dialer:          func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
		DisableIdentity: true,
		MaxRetries:      -1,
	})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// newBudget returns a budget that is closed before its Redis is.
func newBudget(t testing.TB, rdb redis.Scripter, opts ...Option) *Budget {
	t.Helper()
	b, err := New(rdb, append([]Option{WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func claim(n int, window time.Duration) *transport.Claim {
	return &transport.Claim{
		Endpoint: "GET /things",
		Key:      "GET /things",
		Limits:   []transport.Limit{{Name: "things", Key: "things", N: n, Window: window}},
	}
}

// mustAcquire takes a lease for which it may wait a minute.
func mustAcquire(t testing.TB, b transport.Budget, c *transport.Claim) transport.Lease {
	t.Helper()
	l, err := b.Acquire(t.Context(), c, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// tryAcquire takes a lease if there is one at once.
func tryAcquire(t testing.TB, b transport.Budget, c *transport.Claim) (transport.Lease, bool) {
	t.Helper()
	l, err := b.Acquire(t.Context(), c, 0)
	return l, err == nil
}

const requireRedis = "CLERKTHROTTLE_REQUIRE_REDIS"

// serverBinary returns the path of redis-server. Without one, the test says what
// it leaves out, or fails where that is required.
func serverBinary(t testing.TB) string {
	t.Helper()
	if bin := os.Getenv("REDIS_SERVER_BIN"); bin != "" {
		return bin
	}
	bin, err := exec.LookPath("redis-server")
	if err == nil {
		return bin
	}
	if os.Getenv(requireRedis) != "" {
		t.Fatalf("%s is set, but there is no redis-server: install it, or set REDIS_SERVER_BIN", requireRedis)
	}
	t.Logf("LEFT OUT: %s needs a redis-server in PATH or REDIS_SERVER_BIN; what runs on miniredis runs all the same", t.Name())
	t.SkipNow()
	return ""
}

// realRedis is a redis-server process of a test.
type realRedis struct {
	bin  string
	port int
	args []string
	cmd  *exec.Cmd
}

// startServer starts a redis-server on a free port.
func startServer(t testing.TB, args ...string) *realRedis {
	t.Helper()
	s := &realRedis{bin: serverBinary(t), port: freePort(t)}
	s.args = append([]string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--dir", t.TempDir(), "--daemonize", "no", "--loglevel", "warning",
	}, args...)
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

func (s *realRedis) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// start starts the process, again if it was killed, and waits until it answers.
func (s *realRedis) start(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command(s.bin, s.args...)
	var out strings.Builder
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Addr: s.addr(), DisableIdentity: true})
	defer func() { _ = rdb.Close() }()
	for range 500 {
		if rdb.Ping(context.Background()).Err() == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.kill()
	t.Fatalf("redis-server does not answer: %s", out.String())
}

func (s *realRedis) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *realRedis) client(t testing.TB) *redis.Client {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: s.addr(), DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// freePort finds a port; 10000 above it is the bus of a cluster node.
func freePort(t testing.TB) int {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		if port < 55000 {
			return port
		}
	}
}
