package browsertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// laidOut lists faults of a page's layout: a page wider than the window, text outside
// of it, overlapping text, and text too faint to read (WCAG 2 requires a contrast of
// 4.5).
const laidOut = `(() => {
	const wrong = [], boxes = [];
	const root = document.documentElement;
	if (root.scrollWidth > innerWidth) wrong.push("the page is " + root.scrollWidth + " px wide");

	const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
	const luminance = (c) => {
		const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const paper = luminance(parse(getComputedStyle(root).backgroundColor));

	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const node = texts.currentNode, parent = node.parentElement;
		if (!node.data.trim() || parent.closest("noscript, .unseen, option, title, thead, details:not([open]) table")) continue;
		if (!parent.checkVisibility({ visibilityProperty: true })) continue;
		const ink = luminance(parse(getComputedStyle(parent).color));
		const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
		if (contrast < 4.5) wrong.push(contrast.toFixed(2) + " is too faint: " + node.data.trim());
		const range = document.createRange();
		range.selectNodeContents(node);
		if (/^[\d,.]+$/.test(node.data.trim()) && range.getClientRects().length > 1) wrong.push("a number is broken: " + node.data);
		for (const box of range.getClientRects()) {
			if (box.width < 1) continue;
			if (box.left < -1 || box.right > innerWidth + 1) wrong.push("outside of the window: " + node.data.trim());
			boxes.push([box, node.data.trim()]);
		}
	}
	for (let i = 0; i < boxes.length; i++) {
		for (let j = i + 1; j < boxes.length; j++) {
			const [a, b] = [boxes[i][0], boxes[j][0]];
			const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
			const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
			if (wide > 1 && high > 4) wrong.push(boxes[i][1] + " lies over " + boxes[j][1]);
		}
	}
	return wrong;
})()`

// large is load with long names, large numbers and many of everything.
func large() snapshot.Snapshot {
	s := load(time.Now())
	for i := range s.Limits {
		s.Limits[i].Key = strings.Replace(s.Limits[i].Key, "production ", "api.clerk.example.internal ", 1)
		s.Limits[i].Waiting = 123456
		s.Limits[i].ByClass = snapshot.Classes{Interactive: 12345, Normal: 61728, Batch: 49383}
	}
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		until := s.Time.Add(time.Duration(i) * 50 * time.Minute)
		e.BlockedUntil, e.Waiting = &until, 123456
		e.ByClass = s.Limits[0].ByClass
		e.Counts = snapshot.Counts{Sent: 1234567, Waited: 1234567, Refused: 1234567, Throttled: 1234567, Retried: 1234567}
		e.Waits = snapshot.Waits{P50: 59 * time.Second, P90: 61 * time.Second, P99: 3599 * time.Second, Max: 90 * time.Minute}
	}
	for i := range s.History.Slices {
		h := &s.History.Slices[i]
		h.Sent, h.Throttled, h.Wait = h.Sent*1000, h.Sent*900, h.Wait*100
	}
	return s
}

func TestPageFitsAndReads(t *testing.T) {
	for name, source := range map[string]source{
		"load":  busy,
		"large": large,
		"calm": func() snapshot.Snapshot {
			s := load(time.Now())
			return snapshot.Snapshot{Time: s.Time, Limits: s.Limits[1:2], History: s.History}
		},
		"empty": func() snapshot.Snapshot { return snapshot.Snapshot{Time: time.Now()} },
	} {
		url := serve(t, source)
		for _, scheme := range []string{"light", "dark"} {
			tb := open(t, url, 1280, scheme)
			tb.awaitState("live")
			for _, width := range []int64{320, 390, 768, 1024, 1280, 1920} {
				tb.do(chromedp.EmulateViewport(width, 800))
				tb.await("the window is resized", fmt.Sprint("innerWidth === ", width))
				for _, wrong := range eval[[]string](tb, laidOut) {
					t.Errorf("%s, %s, %d px: %s", name, scheme, width, wrong)
				}
			}
		}
	}
}

// TestScreenReaderFindsEverything: landmarks, headings in order, gauges with names
// and texts, a table whose cells are cells, on a phone too.
func TestScreenReaderFindsEverything(t *testing.T) {
	tb := open(t, serve(t, source(busy)), 390, "light")
	tb.awaitState("live")
	found := map[string][]string{}
	for _, n := range call(tb, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		if n.Ignored || n.Role == nil || n.Name == nil {
			continue
		}
		role := strings.Trim(string(n.Role.Value), `"`)
		found[role] = append(found[role], strings.Trim(string(n.Name.Value), `"`))
	}
	for role, want := range map[string]int{
		"banner": 1, "main": 1, "contentinfo": 1, "search": 1,
		"region": 5, "meter": 5, "table": 1, "cell": 9 * 11, "rowheader": 9,
	} {
		if len(found[role]) != want {
			t.Errorf("%d of %q, want %d: %q", len(found[role]), role, want, found[role])
		}
	}
	if got := eval[string](tb, `[...document.querySelectorAll("h1, h2, h3")].map((h) => h.tagName).join(" ")`); got != "H1 H2 H2 H3 H3 H3 H3 H3 H2 H2" {
		t.Errorf("the headings are %s", got)
	}
	for _, role := range []string{"meter", "region", "table", "searchbox", "combobox"} {
		if slices.Contains(found[role], "") {
			t.Errorf("a %s has no name", role)
		}
	}
	if got := eval[string](tb, `document.getElementById("said").textContent`); got != "" {
		t.Errorf("nothing has changed, and a screen reader is told %q", got)
	}
}
