package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is the Chromium that all tests share; each has a tab of its own. It is nil
// without Chromium.
var browser context.Context

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	bin := ""
	for _, name := range []string{os.Getenv("CHROMIUM_BIN"), "chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); bin == "" && err == nil {
			bin = found
		}
	}
	if bin == "" {
		return m.Run() // each test reports itself as left out
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(bin), chromedp.NoSandbox,
		chromedp.Flag("disable-lcd-text", true), // smaller screenshots
	)...)
	defer stop()
	var end context.CancelFunc
	browser, end = chromedp.NewContext(allocator)
	defer end()
	if err := chromedp.Do(browser); err != nil {
		fmt.Fprintln(os.Stderr, "Chromium does not start:", err)
		return 1
	}
	return m.Run()
}

// tab is a browser tab that collects the browser's complaints.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	offline    bool
	complaints []string
}

// open opens a URL, width pixels wide, in the "light" or "dark" scheme. The test
// fails for every complaint of the browser: a script error, a violation of the
// content security policy, a failed request.
func open(t *testing.T, url string, width int64, scheme string) *tab {
	t.Helper()
	if browser == nil {
		const why = "there is no Chromium (CHROMIUM_BIN, or chromium on the PATH): the page is not looked at"
		if os.Getenv("CLERKTHROTTLE_REQUIRE_CHROMIUM") == "1" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	tb := &tab{t: t}
	var stop, cancel context.CancelFunc
	tb.ctx, stop = chromedp.NewContext(browser, chromedp.WithListener(tb.note))
	t.Cleanup(stop)
	tb.ctx, cancel = context.WithTimeout(tb.ctx, time.Minute)
	t.Cleanup(cancel)
	tb.do(chromedp.EmulateViewport(width, 800))
	call(tb, runtime.Enable, cdp.Empty{})
	call(tb, log.Enable, cdp.Empty{})
	call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	tb.do(chromedp.Navigate(url))
	t.Cleanup(func() {
		tb.mu.Lock()
		defer tb.mu.Unlock()
		for _, c := range tb.complaints {
			t.Errorf("the browser complains: %s", c)
		}
	})
	return tb
}

func (tb *tab) note(event any) {
	said := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		said = fmt.Sprintf("exception: %s at %s:%d", e.ExceptionDetails.Text, e.ExceptionDetails.URL, e.ExceptionDetails.LineNumber+1)
	case *log.EventEntryAdded:
		said = fmt.Sprintf("%s: %s %s %s", e.Entry.Level, e.Entry.Source, e.Entry.Text, e.Entry.URL)
	case *runtime.EventConsoleAPICalled:
		said = "console: " + string(e.Type)
	default:
		return
	}
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if !tb.offline || !strings.Contains(said, "network Failed to load resource") {
		tb.complaints = append(tb.complaints, said)
	}
}

// expectLoss ignores failed requests: the test causes them.
func (tb *tab) expectLoss() {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.offline = true
}

func (tb *tab) check(err error) {
	tb.t.Helper()
	if err != nil {
		tb.t.Fatal(err)
	}
}

// do runs actions without a result.
func (tb *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	tb.check(chromedp.Do(tb.ctx, actions...))
}

// call sends a command of the protocol.
func call[P, R any](tb *tab, command cdp.Command[P, R], params P) R {
	tb.t.Helper()
	r, err := chromedp.Call(tb.ctx, command, params)
	tb.check(err)
	return r
}

// eval returns the value of a script, or of its promise.
func eval[T any](tb *tab, script string) T {
	tb.t.Helper()
	v, err := chromedp.Run(tb.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	tb.check(err)
	return v
}

// await waits until a script's value is true.
func (tb *tab) await(what, script string) {
	tb.t.Helper()
	for end := time.Now().Add(30 * time.Second); !eval[bool](tb, script); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			tb.t.Fatalf("it never comes about that %s; the state is %q", what, eval[string](tb, "document.documentElement.dataset.state"))
		}
	}
}

func (tb *tab) awaitState(state string) {
	tb.t.Helper()
	tb.await("the page is "+state, "document.documentElement.dataset.state === '"+state+"'")
}
