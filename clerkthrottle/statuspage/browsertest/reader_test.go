package browsertest

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// TestTellsWhatBeginsAndEnds and nothing else: numbers change twenty times a second
// here, and a screen reader gets two announcements.
func TestTellsWhatBeginsAndEnds(t *testing.T) {
	var blocked atomic.Bool
	changing := source(func() snapshot.Snapshot {
		s := busy()
		s.Endpoints[0].Waiting = time.Now().Nanosecond() % 30
		if !blocked.Load() {
			s.Endpoints[0].BlockedUntil, s.Endpoints[0].Waiting = nil, 0
		}
		s.Limits = nil
		return s
	})
	tb := open(t, serve(t, changing, statuspage.WithInterval(often)), 1280, "light")
	tb.awaitState("live")
	eval[bool](tb, `(() => {
		window.told = [];
		const said = document.getElementById("said");
		new MutationObserver(() => told.push(said.textContent)).observe(said, { childList: true, characterData: true, subtree: true });
		return true;
	})()`)
	blocked.Store(true)
	tb.await("the block is told", "told.length > 0")
	tb.do(chromedp.Focus("input[name=filter]"))
	blocked.Store(false)
	tb.await("its end is told", "told.length > 1")
	if got := eval[string](tb, "document.activeElement.name ?? document.activeElement.tagName"); got != "filter" {
		t.Errorf("when the block leaves the page the focus goes to %q", got)
	}
	if got := strings.Join(eval[[]string](tb, "told"), "; "); got != "GET /v1/users is blocked after a 429; Nothing waits" {
		t.Errorf("a screen reader is told %q", got)
	}
}

// TestCountdownsReadAlike, whether formatted by the program or the browser.
func TestCountdownsReadAlike(t *testing.T) {
	var asked atomic.Int64
	lengths := []int64{1, 99, 100, 101, 6200, 9899, 9900, 9901, 10001, 58901, 59000, 59001, 60000, 3599000, 3599001, 3600000, 5400001}
	ever := source(func() snapshot.Snapshot {
		now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		until := now.Add(time.Duration(lengths[asked.Add(1)%int64(len(lengths))]) * time.Millisecond)
		return snapshot.Snapshot{Time: now, Endpoints: []snapshot.Endpoint{{Endpoint: "a", Key: "a", BlockedUntil: &until}}}
	})
	tb := open(t, serve(t, ever, statuspage.WithInterval(time.Minute)), 1280, "light")
	differ := eval[[]string](tb, `(async () => {
		const { countdown } = await import("./clock.js");
		const differ = [];
		for (let i = 0; i < 17; i++) {
			const view = new DOMParser().parseFromString(await (await fetch("./")).text(), "text/html");
			const time = view.querySelector("time[data-until]");
			const here = countdown(time.dataset.until - view.querySelector("[data-now]").dataset.now);
			if (time.textContent !== here) differ.push(time.textContent + " is " + here);
		}
		return differ;
	})()`)
	if len(differ) > 0 || asked.Load() < int64(len(lengths)) {
		t.Errorf("%q", differ)
	}
}

// TestPageSaysTheSameWithoutScripts, and reloads.
func TestPageSaysTheSameWithoutScripts(t *testing.T) {
	tb := open(t, "about:blank", 1280, "light")
	call(tb, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	tb.do(chromedp.Navigate(serve(t, source(busy))))
	got := eval[string](tb, "document.body.innerText")
	for _, says := range []string{"reloads every 5 s", "213 requests wait for the limit “instance”", "6.2 s", "28,114", "Apply"} {
		if !strings.Contains(got, says) {
			t.Errorf("the page lacks %q:\n%s", says, got)
		}
	}
	for _, wrong := range eval[[]string](tb, laidOut) {
		t.Error(wrong)
	}
	tb.do(chromedp.Evaluate[chromedp.Void](`document.body.dataset.old = "1"`))
	tb.await("it reloads", `!!document.body && !document.body.dataset.old`)
}

// TestGaugesJumpForReducedMotion: otherwise they glide.
func TestGaugesJumpForReducedMotion(t *testing.T) {
	tb := open(t, serve(t, source(busy)), 1280, "light")
	const glide = `getComputedStyle(document.querySelector(".meter rect")).transitionDuration`
	if got := eval[string](tb, glide); got == "0s" {
		t.Errorf("gauges jump for everybody: the test proves nothing")
	}
	call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	if got := eval[string](tb, glide); got != "0s" {
		t.Errorf("gauges glide for %s", got)
	}
}
