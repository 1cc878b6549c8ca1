//go:build unix

package fleettest

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// asProgram makes the test binary a program of a fleet, which does what the
// environment variable says.
const asProgram = "FLEETTEST_PROGRAM"

func TestMain(m *testing.M) {
	redis.SetLogger(silent{}) // connections are broken on purpose
	if o := os.Getenv(asProgram); o != "" {
		beProgram(o)
		return
	}
	flag.Parse()
	fuzzed, parallel := flag.Lookup("test.fuzz"), flag.Lookup("test.parallel")
	if fuzzed.Value.String() == "" && parallel.Value.String() == parallel.DefValue {
		_ = parallel.Value.Set("16") // parallel tests here wait most of the time
	}
	os.Exit(m.Run())
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// order is a program's configuration.
type order struct {
	Redis, Server string // addresses
	N             int
	Window        time.Duration
	Callers       int
}

// beProgram sends requests until its input is closed.
func beProgram(text string) {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		panic(err)
	}
	b, err := redisbudget.New(redis.NewClient(&redis.Options{Addr: o.Redis, DisableIdentity: true}),
		append(realTime(), redisbudget.WithLogger(slog.New(slog.DiscardHandler)))...)
	if err != nil {
		panic(err)
	}
	rt, err := transport.New(transport.Config{
		Classify: limits(o.N, o.Window), MaxWait: time.Hour, Budget: b,
		Base: &http.Transport{
			MaxIdleConnsPerHost: o.Callers,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, o.Server)
			},
		},
	})
	if err != nil {
		panic(err)
	}
	ctx, end := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	var all sync.WaitGroup
	(&program{Transport: rt}).work(ctx, &all, o.Callers, nil)
	all.Wait()
	_ = rt.Close()
}

// realBound is the in-flight bound of tests in real time.
const realBound = 2 * time.Second

// realTime are the options of a budget in real time, on a machine that may be busy.
func realTime() []redisbudget.Option {
	return []redisbudget.Option{redisbudget.WithInFlightBound(realBound), redisbudget.WithTimeout(realBound / 4)}
}

// process is a program in its own process, and its requests that have reached the server.
type process struct {
	*service
	cmd *exec.Cmd
}

// startProcesses starts programs that keep a limit saturated, at a server that counts
// their requests together.
func startProcesses(t *testing.T, rdb *realRedis, all *service, programs, callers, n int, window time.Duration) []*process {
	t.Helper()
	fleet := make([]*process, programs)
	for i := range fleet {
		p := &process{service: new(service)}
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			all.arrive()
			p.arrive()
			time.Sleep(all.latency())
		}))
		t.Cleanup(server.Close)
		text, err := json.Marshal(order{rdb.addr(), server.Listener.Addr().String(), n, window, callers})
		if err != nil {
			t.Fatal(err)
		}
		p.cmd = exec.Command(os.Args[0])
		p.cmd.Env = append(os.Environ(), asProgram+"="+string(text))
		p.cmd.Stderr = os.Stderr
		in, err := p.cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = p.cmd.Process.Signal(syscall.SIGCONT)
			_ = in.Close()
			time.AfterFunc(5*time.Second, p.kill)
			_ = p.cmd.Wait()
		})
		fleet[i] = p
	}
	return fleet
}

func (p *process) kill() { _ = p.cmd.Process.Kill() }

// waitFor waits until a condition holds, however slow the machine is.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 6000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}

// waitForMore waits until n more requests have reached a server.
func waitForMore(t testing.TB, s *service, n int, what string) {
	t.Helper()
	n += s.arrived()
	waitFor(t, what, func() bool { return s.arrived() >= n })
}

// The tokens of a killed program go to the others, and not too early.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	const n, window = 30, time.Second
	all := &service{latency: uniform(time.Millisecond, 30*time.Millisecond)}
	fleet := startProcesses(t, startServer(t), all, 3, 16, n, window)
	waitForMore(t, all, 3*n, "three windows")
	fleet[0].kill()
	before := fleet[0].arrived()
	waitForMore(t, all, 6*n, "six more")
	// The others get all of the limit: N in some window in which the dead program
	// sent nothing.
	rest := &service{}
	for _, p := range fleet[1:] {
		rest.at = append(rest.at, p.times()...)
	}
	if most := rest.most(window); most < n*9/10 {
		t.Errorf("the others came to %d in a window, want about %d", most, n)
	}
	if most := all.most(window); most > n {
		t.Errorf("%d requests in a window, want at most %d", most, n)
	}
	if after := fleet[0].arrived() - before; after > 16 {
		t.Errorf("%d requests of a dead program", after)
	}
}

// A program that was stopped for longer than its lease asks before it goes on: all
// its callers wait for a token, while by its own count all its tokens are free. A
// request that it was just about to send when it was stopped still goes out.
func TestStoppedProcess(t *testing.T) {
	t.Parallel()
	const n, window, few = 120, time.Second, 10
	all := &service{latency: uniform(time.Millisecond, 30*time.Millisecond)}
	fleet := startProcesses(t, startServer(t), all, 3, n/3, n, window)
	for range 2 {
		waitForMore(t, fleet[0].service, n/3, "the program's part")
		time.Sleep(window / 2) // all requests are answered
		if err := fleet[0].cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(realBound + window + realBound/2) // from here on it counts as dead
		waitForMore(t, all, 2*n, "the others to have all")
		if err := fleet[0].cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	waitForMore(t, fleet[0].service, n/3, "the program to have its part again")
	if most := all.most(window); most > n+few {
		t.Errorf("%d requests in a window, want at most %d, and a few", most, n)
	}
}
