package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// The figures of the README, with the sidecar in a process of its own:
//
//	CLERKTHROTTLE_LOAD=60s go test ./examples/sidecar -run Load -v
//
// The load takes as long as the variable says. On a machine that is too busy for
// it, CLERKTHROTTLE_LOAD_RATE=600 offers a fifth of it to a fifth of the limit.
func loadRate(t *testing.T) int {
	rate := 3000
	if s := os.Getenv("CLERKTHROTTLE_LOAD_RATE"); s != "" {
		var err error
		if rate, err = strconv.Atoi(s); err != nil || rate < 300 {
			t.Fatalf("CLERKTHROTTLE_LOAD_RATE=%s: want at least 300", s)
		}
	}
	return rate
}

func loadTime(t *testing.T) time.Duration {
	d, err := time.ParseDuration(os.Getenv("CLERKTHROTTLE_LOAD"))
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("left out: set CLERKTHROTTLE_LOAD=60s, on Linux")
	}
	return d
}

// process runs the sidecar as a program before a stand-in of a production
// instance.
type process struct {
	url string
	pid int
}

func runProcess(t *testing.T, upstream string, args ...string) process {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "sidecar")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), bin, append([]string{"-listen", "127.0.0.1:0", "-backend", upstream, "-frontend", upstream}, args...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	head := make([]byte, 4096)
	n := 0
	for !bytes.Contains(head[:n], []byte("msg=listening")) || !bytes.HasSuffix(head[:n], []byte("\n")) {
		more, err := stderr.Read(head[n:])
		if n += more; err != nil {
			t.Fatalf("%v: %s", err, head[:n])
		}
	}
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	return process{regexp.MustCompile(`msg=listening address=(\S+)`).FindStringSubmatch(string(head[:n]))[1], cmd.Process.Pid}
}

// memory returns the most memory that the process ever had resident.
func (p process) memory(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// cpu returns how much processor time the process has used.
func (p process) cpu(t *testing.T) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * (time.Second / 100) // USER_HZ
}

// offerTo is [offer] over sockets, from an address of this machine's.
func offerTo(t *testing.T, url string, rate int, d time.Duration, from string) *tally {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 4096}}
	defer c.CloseIdleConnections()
	counts := &tally{statuses: make(map[int]int)}
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range rate * int(d/time.Second) {
		time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		wg.Go(func() {
			sent := time.Now()
			resp, err := c.Do(request(t, "GET", url+"/v1/users", "Authorization", "Bearer sk_live_x"))
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			counts.add(resp.StatusCode, time.Since(sent))
		})
	}
	wg.Wait()
	return counts
}

// production is a stand-in of a production instance, or of one with another
// limit, 50 ms away.
func production(n int) *clerktest.Server {
	limits := clerkthrottle.Limits(clerkthrottle.Production)
	limits[0].N = n
	return clerktest.New(clerktest.WithLimits(limits...), clerktest.WithLatency(clerktest.Lognormal(50*time.Millisecond, 0.3)), clerktest.WithLogSize(1000))
}

// Thirty times the limit of a production instance, and a modest client beside
// the greedy one.
func TestLoadOfThreeThousandASecond(t *testing.T) {
	d, rate := loadTime(t), loadRate(t)
	clerk := production(rate / 3)
	upstream := clerk.Start()
	defer clerk.Close()
	var args []string // at the full rate, none
	if rate != 3000 {
		args = []string{"-limit", fmt.Sprintf("%d/10s", rate/3)}
	}
	p := runProcess(t, upstream, args...)
	var greedy, modest *tally
	var wg sync.WaitGroup
	wg.Go(func() { greedy = offerTo(t, p.url, rate, d, "127.0.0.1") })
	wg.Go(func() {
		time.Sleep(time.Second)
		modest = offerTo(t, p.url, rate/300, d-time.Second, "127.0.0.2")
	})
	wg.Wait()
	s := clerk.Stats()
	offered := rate / 300 * int(d/time.Second-1)
	share := float64(modest.inTime) / float64(offered)
	t.Logf("the greedy client's answers, at %d a second: %v", rate, greedy.statuses)
	t.Logf("the modest client's answers, at %d a second: %v, %.1f %% of them within 2s, the longest %s", rate/300, modest.statuses, 100*share, modest.longest.Round(time.Millisecond))
	t.Logf("Clerk answered %d, and %d with 429; memory at most %s, %s of processor time", s.Accepted, s.Rejected, p.memory(t), p.cpu(t))
	if s.Rejected != 0 || share < 0.95 {
		t.Errorf("%d 429s, %.1f %% of the modest client's requests served in time", s.Rejected, 100*share)
	}
}

// Four hundred bodies of a megabyte that wait all at once.
func TestLoadOfLongBodies(t *testing.T) {
	loadTime(t)
	clerk := production(1000)
	upstream := clerk.Start()
	defer clerk.Close()
	p := runProcess(t, upstream)
	c := client(t)
	counts := &tally{statuses: make(map[int]int)}
	var wg sync.WaitGroup
	for i := range 400 {
		wg.Go(func() {
			user := fmt.Sprintf(`{"email_address":["%d@example.com"]}`, i)
			r, err := http.NewRequestWithContext(context.Background(), "POST", p.url+"/v1/users", strings.NewReader(user+strings.Repeat(" ", 1<<20-len(user))))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer sk_live_x")
			resp, err := c.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			counts.add(resp.StatusCode, 0)
		})
	}
	wg.Wait()
	t.Logf("400 bodies of 1 MiB: %v; memory at most %s", counts.statuses, p.memory(t))
}
