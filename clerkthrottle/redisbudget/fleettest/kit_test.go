//go:build unix

package fleettest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// inMemory returns a Redis in a bubble of virtual time, and a client that reaches it
// without a socket.
func inMemory(t testing.TB) (*miniredis.Miniredis, *redis.Client) {
	t.Helper()
	m := miniredis.NewMiniRedis()
	t.Cleanup(m.Close)
	rdb := connect(t, m)
	rdb.Ping(t.Context()) // makes m.Server() available
	return m, rdb
}

// connect returns another client of a Redis in memory.
func connect(t testing.TB, m *miniredis.Miniredis) *redis.Client {
	rdb := redis.NewClient(&redis.Options{
		Dialer:          func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
		DisableIdentity: true,
		MaxRetries:      -1,
	})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// newBudget returns a budget that logs nothing.
func newBudget(t testing.TB, rdb redis.Scripter, opts ...redisbudget.Option) *redisbudget.Budget {
	t.Helper()
	b, err := redisbudget.New(rdb, append([]redisbudget.Option{redisbudget.WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// service is the server that the fleet calls: it is reached half a latency after a
// request was sent, and records every arrival.
type service struct {
	latency func() time.Duration
	answer  func(*http.Request) *http.Response // nil: 200

	mu sync.Mutex
	at []time.Time
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	way := s.latency() / 2
	select {
	case <-time.After(way):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	s.arrive()
	time.Sleep(way)
	if s.answer != nil {
		if resp := s.answer(r); resp != nil {
			return resp, nil
		}
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func (s *service) arrive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = append(s.at, time.Now())
}

// times returns the arrival times of requests, in order.
func (s *service) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(slices.Values(s.at), time.Time.Compare)
}

// arrived returns how many requests have arrived.
func (s *service) arrived() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.at)
}

// most returns the largest number of arrivals in any half-open window.
func (s *service) most(window time.Duration) int {
	at := s.times()
	most, first := 0, 0
	for i, t := range at {
		for t.Sub(at[first]) >= window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// uniform returns latencies between two bounds.
func uniform(from, to time.Duration) func() time.Duration {
	return func() time.Duration { return from + rand.N(to-from) }
}

// limits makes every request draw on the limit "things", and those to /users/… first
// on one of that user.
func limits(n int, window time.Duration) func(*http.Request) *transport.Claim {
	things := transport.Limit{Name: "things", Key: "things", N: n, Window: window}
	return func(r *http.Request) *transport.Claim {
		c := &transport.Claim{Endpoint: "GET " + r.URL.Path, Key: "GET " + r.URL.Path, Limits: []transport.Limit{things}}
		if strings.HasPrefix(r.URL.Path, "/users/") {
			c.Endpoint = "GET /users/{id}"
			c.Limits = []transport.Limit{{Name: "user", Key: r.URL.Path, N: 10, Window: 10 * time.Second, Private: true}, things}
		}
		return c
	}
}

// program is one replica of a fleet.
type program struct {
	*transport.Transport
	done, failed atomic.Int64
	waits        []time.Duration
	mu           sync.Mutex
}

// join starts a program on a budget.
func join(t testing.TB, b transport.Budget, s *service, n int, window time.Duration, change ...func(*transport.Config)) *program {
	t.Helper()
	cfg := transport.Config{Base: s, Classify: limits(n, window), MaxWait: 10 * time.Minute, Budget: b}
	for _, f := range change {
		f(&cfg)
	}
	rt, err := transport.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{Transport: rt}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// get makes one call.
func (p *program) get(ctx context.Context, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://things.test"+path, nil)
	if err != nil {
		return err
	}
	resp, err := p.RoundTrip(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	return nil
}

func (p *program) mustGet(t testing.TB, path string) {
	t.Helper()
	if err := p.get(context.Background(), path); err != nil {
		t.Fatal(err)
	}
}

// work makes n callers send requests until ctx ends, each with a pause after every
// call.
func (p *program) work(ctx context.Context, all *sync.WaitGroup, n int, pause func() time.Duration) {
	for range n {
		all.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				switch err := p.get(ctx, "/"); {
				case err == nil:
					p.done.Add(1)
				case ctx.Err() == nil:
					p.failed.Add(1)
				}
				p.mu.Lock()
				p.waits = append(p.waits, time.Since(began))
				p.mu.Unlock()
				if pause != nil {
					time.Sleep(pause())
				}
			}
		})
	}
}

const requireRedis = "CLERKTHROTTLE_REQUIRE_REDIS"

// serverBinary returns the path of redis-server. Without one, the test reports itself
// as left out, or fails if Redis is required.
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
	return launch(t, serverBinary(t), args...)
}

// launch starts any server with Redis's protocol and options.
func launch(t testing.TB, bin string, args ...string) *realRedis {
	t.Helper()
	s := &realRedis{bin: bin, port: freePort(t)}
	s.args = append([]string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--dir", t.TempDir(), "--daemonize", "no", "--loglevel", "warning",
	}, args...)
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

func (s *realRedis) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// start starts the process, also after it was killed, and waits until it answers.
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

// blockOnce answers the first request with a 429 and a Retry-After in seconds.
func blockOnce(seconds int) func(*http.Request) *http.Response {
	var once atomic.Bool
	return func(r *http.Request) *http.Response {
		if !once.CompareAndSwap(false, true) {
			return nil
		}
		return &http.Response{
			StatusCode: http.StatusTooManyRequests, Body: http.NoBody, Request: r,
			Header: http.Header{"Retry-After": {strconv.Itoa(seconds)}},
		}
	}
}
