package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// diary is an observer that writes down what it is told.
type diary struct {
	start time.Time
	mu    sync.Mutex
	lines []string
	waits []transport.WaitEvent
}

func (d *diary) write(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%s ", time.Since(d.start))+fmt.Sprintf(format, args...))
}

func (d *diary) observe(c *transport.Config) {
	d.start = time.Now()
	c.Observers = append(c.Observers, &transport.Observer{
		Waited: func(_ context.Context, e transport.WaitEvent) {
			d.write("waited %s: %s %s", e.Wait, e.Hold, e.Limit)
			d.mu.Lock()
			defer d.mu.Unlock()
			d.waits = append(d.waits, e)
		},
		Refused:  func(_ context.Context, e *transport.ThrottledError) { d.write("refused %s %s", e.Reason, e.Hold) },
		Answered: func(_ context.Context, e transport.AnswerEvent) { d.write("answered %d: %d", e.Attempt, e.Status) },
		Retrying: func(_ context.Context, e transport.RetryEvent) { d.write("retrying %d: %d", e.Attempt, e.Status) },
		RetryDenied: func(_ context.Context, e transport.RetryEvent) {
			d.write("denied %d: %d", e.Attempt, e.Status)
		},
		Blocked: func(e transport.BlockEvent) {
			d.write("blocked for %s until %s", e.For, e.Until.Sub(d.start))
		},
		Unblocked: func(e transport.BlockEvent) { d.write("unblocked at %s", e.Until.Sub(d.start)) },
		RateChanged: func(e transport.RateEvent) {
			d.write("rate learned %t, below %t", e.Learned, e.Rate < e.Documented)
		},
	})
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

func (d *diary) count(what string) (n int) {
	for _, line := range d.read() {
		if strings.Contains(line, what) {
			n++
		}
	}
	return n
}

func (d *diary) want(t *testing.T, want ...string) {
	t.Helper()
	if got := d.read(); !slices.Equal(got, want) {
		t.Errorf("the observer was told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEventsOfABlockComeInOrder(t *testing.T) {
	for name, retryAfter := range map[string][]string{"told": {"10"}, "blind": nil} {
		synctest.Test(t, func(t *testing.T) {
			var d diary
			rt := newTransport(t, newServer(script(tooMany(retryAfter...))), limit(5, 10*sec), d.observe)
			mustGet(t, rt, "/a")
			synctest.Wait()
			var kinds []string
			for _, line := range d.read() {
				kinds = append(kinds, strings.Fields(line)[1])
			}
			// The end of the block and the first request after it are one moment.
			if i := slices.Index(kinds, "unblocked"); i > 2 {
				kinds = append(slices.Delete(kinds, i, i+1), "unblocked")
			}
			if want := []string{"blocked", "answered", "retrying", "waited", "answered", "unblocked"}; !slices.Equal(kinds, want) {
				t.Errorf("%s: %v, want %v", name, kinds, want)
			}
		})
	}
}

// The answers of one burst all say how long the block lasts: an observer is told
// once, and of the end once.
func Test256AnswersOfOneBlockAreOneEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		nth := time.Duration(0)
		base := roundTripFunc(func(*http.Request) (*http.Response, error) {
			d.mu.Lock()
			nth++
			late := nth * time.Millisecond
			d.mu.Unlock()
			time.Sleep(late)
			return tooMany("10")()
		})
		rt := newTransport(t, base, limit(1000, 10*sec), d.observe, maxWait(0))
		var all sync.WaitGroup
		for range 256 {
			all.Go(func() { _, _ = get(rt, "/a") })
		}
		all.Wait()
		if n := d.count("blocked for"); n != 1 {
			t.Errorf("told of a block %d times, want once", n)
		}
		time.Sleep(time.Minute)
		if lines := d.read(); d.count("unblocked") != 1 || lines[len(lines)-1] != "10.256s unblocked at 10.256s" {
			t.Errorf("told of %d ends, at last %q", d.count("unblocked"), lines[len(lines)-1])
		}
	})
}

func TestLongerBlockIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		srv := newServer(script(tooMany("10"), tooMany("20"), tooMany("5")))
		srv.latency = sec
		rt := newTransport(t, srv, limit(5, 10*sec), maxWait(0), d.observe)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { _, _ = get(rt, "/a") })
			time.Sleep(time.Millisecond)
		}
		all.Wait()
		time.Sleep(time.Hour)
		blocks := slices.DeleteFunc(d.read(), func(s string) bool { return !strings.Contains(s, "block") || strings.Contains(s, "refused") })
		want := []string{"1s blocked for 10s until 11s", "1.001s blocked for 20s until 21.001s", "21.001s unblocked at 21.001s"}
		if !slices.Equal(blocks, want) {
			t.Errorf("told %q, want %q", blocks, want)
		}
	})
}

func TestWaitIsPutDownToWhatHeldIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		table := limit(2, 10*sec)
		table.private.N, table.private.Window, table.private.Key, table.private.Name = 1, sec, "user ", "own"
		rt := newTransport(t, newServer(nil), table, d.observe)
		mustGet(t, rt, "/users/1")
		mustGet(t, rt, "/users/1") // 1s for its own
		mustGet(t, rt, "/users/1") // 9s more for the shared one
		var holds []string
		for _, e := range d.waits {
			holds = append(holds, fmt.Sprintf("%s %s %s %t", e.Hold, e.Limit, e.Wait, e.Start.Add(e.Wait).Equal(d.start.Add(10*sec))))
		}
		if want := []string{"limit own 1s false", "limit shared 9s true"}; !slices.Equal(holds, want) {
			t.Errorf("%q, want %q", holds, want)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var d diary
		table := limit(100, 10*sec)
		table.learn = true
		rt := newTransport(t, newServer(script(tooMany("3"))), table, d.observe)
		clients(t, rt, 30, "/a")
		holds := map[transport.Hold]int{}
		for _, e := range d.waits {
			holds[e.Hold]++
			if (e.Hold == transport.HoldRate) != (e.Limit == "shared") {
				t.Errorf("%+v", e)
			}
		}
		if holds[transport.HoldBlock] == 0 || holds[transport.HoldLimit] != 0 {
			t.Errorf("waits by hold: %v", holds)
		}
		clients(t, rt, 30, "/a")
		for _, e := range d.waits {
			holds[e.Hold]++
		}
		if holds[transport.HoldRate] == 0 {
			t.Errorf("nobody waited for the learned rate: %v", holds)
		}
	})
}

func TestEveryAttemptIsTold(t *testing.T) {
	panics := func() (*http.Response, error) { panic("base") }
	synctest.Test(t, func(t *testing.T) {
		var d diary
		rt := newTransport(t, newServer(script(fail(errReset), code(503), code(200), code(404), panics)), limit(5, 10*sec), d.observe)
		mustGet(t, rt, "/a")
		_, _ = get(rt, "/a")
		func() {
			defer func() { _ = recover() }()
			_, _ = get(rt, "/a")
		}()
		var told []string
		for _, line := range d.read() {
			_, what, _ := strings.Cut(line, " ")
			told = append(told, what)
		}
		want := []string{"answered 1: 0", "retrying 1: 0", "answered 2: 503", "retrying 2: 503", "answered 3: 200",
			"answered 1: 404", "answered 1: 0"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

func TestRefusalsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		rt := newTransport(t, newServer(nil), limit(1, 10*sec), maxWait(0), d.observe)
		mustGet(t, rt, "/a")
		_, _ = get(rt, "/a")
		_, _ = rt.RoundTrip(request(canceled(), http.MethodGet, "/a", nil)) // its caller knows
		_ = rt.Close()
		_, _ = get(rt, "/a")
		d.want(t, "0s answered 1: 200", "0s refused max_wait limit", "0s refused closed ")
	})
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestForgottenRateIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		table := limit(100, sec)
		table.learn = true
		rt := newTransport(t, newServer(script(tooMany("1"))), table, d.observe)
		mustGet(t, rt, "/a")
		time.Sleep(time.Hour)
		if n := d.count("rate learned true, below true"); n != 1 {
			t.Errorf("told of a learned rate %d times", n)
		}
		for range 3 {
			mustGet(t, rt, "/a")
			_ = rt.Snapshot()
		}
		if n := d.count("rate learned false, below false"); n != 1 {
			t.Errorf("told that it is forgotten %d times", n)
		}
	})
}
