package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/report"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/standin"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

// process is the importer as a process of its own.
func process(t *testing.T, url string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	cmd := exec.Command(self, append([]string{"-url", url + "/v1", "-quiet"}, args...)...)
	cmd.Env = append(os.Environ(), "IMPORT_TEST_RUN_MAIN=1", "CLERK_SECRET_KEY="+testKey)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

// An import that is killed at a random moment, once or several times, and run
// again makes every user exactly once and whole. Real processes, a real journal,
// sockets; the limit is scaled down to seconds. More kills can be asked for:
//
//	IMPORT_KILLS=200 go test ./examples/import -run KillAtAnyMoment -v
func TestKillAtAnyMomentLosesNothingAndDoublesNothing(t *testing.T) {
	kills := 20
	if n, err := strconv.Atoi(os.Getenv("IMPORT_KILLS")); err == nil {
		kills = n
	}
	total := kills
	// They mostly wait: five at a time, whatever the number of processors.
	var all sync.WaitGroup
	places := make(chan struct{}, 5)
	for round := 0; kills > 0; round++ {
		times := min(1+round%4, kills)
		kills -= times
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			t.Run(fmt.Sprint(round), func(t *testing.T) {
				killAndResume(t, 120, 40, 400*time.Millisecond, 200*time.Millisecond, times, 1100*time.Millisecond)
			})
		})
	}
	all.Wait()
	t.Logf("%d kills", total)
}

// The same at full size: ten imports side by side of 2,000 users each, on the
// limit of a development instance, every one killed at a random moment. It takes
// four minutes, so it has to be asked for:
//
//	IMPORT_FULL_SIZE=1 go test ./examples/import -run FullSize -v
func TestKillFullSizeLosesNothing(t *testing.T) {
	if os.Getenv("IMPORT_FULL_SIZE") == "" {
		t.Skip("IMPORT_FULL_SIZE is not set")
	}
	var all sync.WaitGroup
	defer all.Wait()
	for round := range 10 {
		all.Go(func() {
			t.Run(fmt.Sprint(round), func(t *testing.T) {
				killAndResume(t, 2000, 100, 10*time.Second, 80*time.Millisecond, 1, 180*time.Second)
			})
		})
	}
}

// killAndResume imports some users, on a limit of n a window and with answers
// that take up to latency, and kills the importer the given number of times, each
// at a random moment of a span.
func killAndResume(t *testing.T, users, n int, window, latency time.Duration, times int, span time.Duration) {
	server, clerk := standin.New(limits(n, window), clerktest.WithLateArrivals(),
		clerktest.WithLatency(clerktest.Uniform(latency/10, latency)))
	url := server.Start()
	defer server.Close()
	input := write(t, "users.csv", mixedCSV(users))
	args := []string{"-limit", fmt.Sprintf("%d/%s", n, window), input}

	kills, start := 0, time.Now()
	for {
		cmd, out := process(t, url, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		at := time.Duration(rand.Int64N(int64(span)))
		if kills == times {
			at = time.Hour
		}
		killer := time.AfterFunc(at, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		killer.Stop()
		if err == nil {
			break
		}
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
			t.Fatalf("%v: %s", err, out)
		}
		kills++
	}
	stats := server.Stats()
	took := time.Since(start)
	t.Logf("killed %d times; %d requests, %d answered 429; %.1f s", kills, stats.Sent, stats.Rejected, took.Seconds())
	// Those who were under way at the kill are asked for, so there are more
	// requests than users, and at 2,000 even one more begins another window.
	if best := report.Shortest(stats.Sent, flags.Limit{N: n, Window: window}); window >= 10*time.Second { // with less, starting processes takes longer
		t.Logf("the shortest possible time for them is %.0f s (%+.1f %%)", best.Seconds(), 100*(took.Seconds()/best.Seconds()-1))
	}
	// On a window of less than Clerk's the scheduler of a busy machine decides
	// whether what a killed program sent arrives when the next one thinks it did.
	if stats.Rejected != 0 && window >= 10*time.Second {
		t.Errorf("%d requests were answered 429", stats.Rejected)
	}
	if made := len(clerk.All); made != users {
		t.Errorf("%d users were made, want %d", made, users)
	}
	for i := range users {
		switch u := clerk.By(fmt.Sprint("u", i)); {
		case u == nil:
			t.Errorf("u%d was not made", i)
		case len(u.Verified) != 1, (len(u.Unverified) == 1) != (i%5 == 0), u.Banned != (i%10 == 0):
			t.Errorf("u%d: %+v", i, u)
		}
	}
	if r := rejectsOf(t, input); len(r) != 0 {
		t.Errorf("rejected: %v", r)
	}
}

// Ctrl-C ends the waiting at once, lets what is under way finish, and exits with
// 130; the next run goes on without asking Clerk anything twice.
func TestCtrlCStopsCleanly(t *testing.T) {
	const users = 60
	server, clerk := standin.New(limits(20, time.Second), clerktest.WithLatency(clerktest.Constant(30*time.Millisecond)))
	url := server.Start()
	defer server.Close()
	input := write(t, "users.csv", usersCSV(users))
	args := []string{"-limit", "20/1s", input}

	cmd, out := process(t, url, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for server.Stats().Accepted < 20 {
		time.Sleep(5 * time.Millisecond)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("exit status %d: %s", code, out)
	}
	before := server.Stats().Sent
	if before == users {
		t.Error("it went on to the end")
	}
	cmd, out = process(t, url, args...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if made, asked := len(clerk.All), server.Stats().Sent; made != users || asked != users {
		t.Errorf("%d users made with %d requests, %d of them before Ctrl-C", made, asked, before)
	}
}
