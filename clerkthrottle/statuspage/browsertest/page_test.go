package browsertest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

func busy() transport.Snapshot { return load(time.Now()) }

// serve serves the page of a source.
func serve(t *testing.T, s statuspage.Source, opts ...statuspage.Option) string {
	t.Helper()
	server := httptest.NewServer(statuspage.New(s, opts...))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// recorder remembers the snapshots of a source, so that what a page shows can
// be compared with the very snapshot it shows.
type recorder struct {
	statuspage.Source
	mu   sync.Mutex
	seen map[int64]transport.Snapshot // by Time, in milliseconds
}

func (r *recorder) Snapshot() transport.Snapshot {
	s := r.Source.Snapshot()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = make(map[int64]transport.Snapshot)
	}
	r.seen[s.Time.UnixMilli()] = s
	return s
}

func (r *recorder) at(ms int64) (transport.Snapshot, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.seen[ms]
	return s, ok
}

// shown is the numbers of a page, read off it all at once.
type shown struct {
	Now      int64                        `json:"now"`
	Headline string                       `json:"headline"`
	Limits   map[string]map[string]string `json:"limits"` // by key: the gauge's numbers
	Meters   map[string]string            `json:"meters"` // by key: free tokens, as assistive technology has them
	Widths   map[string]string            `json:"widths"` // by key: the part of the gauge that is free, in percent
	Rows     map[string][]string          `json:"rows"`   // by key: the table's cells
}

const readPage = `(() => {
	const text = (node) => node.firstChild.textContent.trim();
	const by = (selector, value) => Object.fromEntries([...document.querySelectorAll(selector)].map((n) => [n.dataset.key, value(n)]));
	return {
		now: Number(document.querySelector("[data-now]").dataset.now),
		headline: document.querySelector("h1").textContent,
		limits: by(".gauge", (g) => Object.fromEntries([...g.querySelectorAll("dl > div")].map((d) => [text(d.querySelector("dt")), text(d.querySelector("dd"))]))),
		meters: by(".gauge", (g) => g.querySelector("[role=meter]").getAttribute("aria-valuenow")),
		widths: by(".gauge", (g) => {
			const [all, flying, back] = [...g.querySelectorAll("rect")].map((r) => parseFloat(r.getAttribute("width")));
			return String(Math.round(all - flying - back));
		}),
		rows: by(".endpoints tbody tr", (r) => [...r.querySelectorAll("td")].map(text)),
	};
})()`

// TestNumbersAreTheSnapshots watches a throttle at work: callers that want more
// than the limit allows.
func TestNumbersAreTheSnapshots(t *testing.T) {
	stand := clerktest.New(clerktest.WithLatency(clerktest.Constant(20 * time.Millisecond)))
	throttle, err := clerkthrottle.NewTransport(
		clerkthrottle.WithBase(stand.RoundTripper()),
		clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, 20, time.Second),
	)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: throttle}
	var callers sync.WaitGroup
	defer callers.Wait()
	defer func() { _ = throttle.Close() }()
	for i := range 60 {
		callers.Go(func() {
			for _, path := range []string{"users", "organizations", "users/count"} {
				req, err := http.NewRequest("GET", "https://api.clerk.com/v1/"+path, nil)
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Authorization", "Bearer sk_test_caller")
				time.Sleep(time.Duration(i) * time.Millisecond)
				resp, err := client.Do(req)
				if err != nil {
					return // the test is over
				}
				resp.Body.Close()
			}
		})
	}

	source := &recorder{Source: throttle}
	tb := open(t, serve(t, source, statuspage.WithInterval(50*time.Millisecond)), 1280, "light")
	tb.awaitState("live")
	waited, counted := false, false
	// A first wait is counted when it ends: after a second, on a fast machine later
	// than a dozen looks.
	for look := 0; look < 12 || look < 100 && (!waited || !counted); look++ {
		got := eval[shown](tb, readPage)
		want, ok := source.at(got.Now)
		if !ok {
			t.Fatalf("the page shows a snapshot of %d, which never was", got.Now)
		}
		compare(t, got, want)
		for _, e := range want.Endpoints {
			counted = counted || e.Counts.Sent > 0 && e.Counts.Waited > 0
		}
		for _, l := range want.Limits {
			if l.Waiting > 1 {
				waited = true
				if !strings.HasPrefix(got.Headline, strconv.Itoa(l.Waiting)+" requests wait for the limit") {
					t.Errorf("%d requests wait, and the headline is %q", l.Waiting, got.Headline)
				}
			}
		}
		time.Sleep(70 * time.Millisecond)
	}
	if !waited || !counted {
		t.Error("nothing ever waited, or it was not counted: the test proves nothing")
	}
}

// compare compares a page with the snapshot that it shows.
func compare(t *testing.T, got shown, want transport.Snapshot) {
	t.Helper()
	if len(got.Limits) != len(want.Limits) || len(got.Rows) != len(want.Endpoints) {
		t.Errorf("%d limits and %d endpoints are shown, of %d and %d", len(got.Limits), len(got.Rows), len(want.Limits), len(want.Endpoints))
	}
	num := func(n int) string { return strconv.Itoa(n) } // all below 1000
	for _, l := range want.Limits {
		numbers := map[string]string{
			"in flight": num(l.InFlight), "returning": num(l.Returning), "free": num(l.Free), "waiting": num(l.Waiting),
		}
		if !maps.Equal(got.Limits[l.Key], numbers) || got.Meters[l.Key] != num(l.Free) || got.Widths[l.Key] != num(100*l.Free/l.N) {
			t.Errorf("%s: the page shows %v, meter %s, width %s; the snapshot has %v", l.Key, got.Limits[l.Key], got.Meters[l.Key], got.Widths[l.Key], numbers)
		}
	}
	for _, e := range want.Endpoints {
		count := func(n int64) string { return strconv.FormatInt(n, 10) }
		numbers := []string{num(e.Waiting), count(e.Counts.Sent), count(e.Counts.Waited), count(e.Counts.Throttled), count(e.Counts.Retried), count(e.Counts.Refused)}
		row := slices.Clone(got.Rows[e.Key])
		if len(row) != 11 || !slices.Equal(slices.Delete(row, 1, 2)[:6], numbers) {
			t.Errorf("%s: the page shows %v, the snapshot has %v", e.Key, got.Rows[e.Key], numbers)
		}
	}
}

const firstCountdown = `document.querySelector(".blocks time").textContent`

func seconds(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, " s"), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestCountdownMoves between two snapshots, by the clock of the program, which
// here is an hour ahead of the browser's.
func TestCountdownMoves(t *testing.T) {
	ahead := func() time.Time { return time.Now().Add(time.Hour) }
	until := ahead().Add(9500 * time.Millisecond)
	blocked := source(func() transport.Snapshot {
		s := load(ahead())
		s.Endpoints[0].BlockedUntil = &until
		return s
	})
	tb := open(t, serve(t, blocked, statuspage.WithInterval(time.Minute)), 1280, "light")
	tb.awaitState("live")
	shownAt := eval[int64](tb, `Number(document.querySelector("[data-now]").dataset.now)`)
	last := 100.0
	for range 5 {
		time.Sleep(250 * time.Millisecond)
		before := until.Sub(ahead()).Seconds()
		got := seconds(t, eval[string](tb, firstCountdown))
		after := until.Sub(ahead()).Seconds()
		if got >= last {
			t.Errorf("the countdown stands at %v after %v", got, last)
		}
		if got > before+0.4 || got < after-0.2 {
			t.Errorf("the countdown says %v, with %.2f to %.2f left", got, after, before)
		}
		last = got
	}
	if now := eval[int64](tb, `Number(document.querySelector("[data-now]").dataset.now)`); now != shownAt {
		t.Error("another snapshot came: the test proves nothing")
	}
	if h1, also := eval[string](tb, `document.querySelector("h1").textContent`), eval[string](tb, `document.querySelector(".also").textContent`); !strings.Contains(h1+also, "is blocked for another ") {
		t.Errorf("the answer does not mention the block: %q %q", h1, also)
	}
}

// TestFilterAndSort keep the focus and what is typed while the page changes.
func TestFilterAndSort(t *testing.T) {
	tb := open(t, serve(t, source(busy), statuspage.WithInterval(30*time.Millisecond)), 1280, "light")
	tb.awaitState("live")
	tb.do(chromedp.Focus("input[name=filter]"))
	for _, letter := range "memberships" {
		tb.do(chromedp.KeyEvent(string(letter)))
	}
	tb.await("the address has all that was typed", `location.search === "?filter=memberships"`)
	tb.await("two rows are left", `document.querySelectorAll(".endpoints tbody tr").length === 2`)
	if got := eval[string](tb, `document.activeElement.name + " " + document.activeElement.value`); got != "filter memberships" {
		t.Errorf("after typing: %q", got)
	}
	tb.do(chromedp.Click(".endpoints th.sent a"))
	tb.await("the head says how it is sorted", `document.querySelector("th.sent").getAttribute("aria-sort") === "descending"`)
	tb.do(chromedp.Click(".endpoints th.sent a"))
	tb.await("a second click turns it round", `document.querySelector("th.sent").getAttribute("aria-sort") === "ascending"`)
	if got := eval[string](tb, `[...document.querySelectorAll("td.sent")].map((c) => c.firstChild.textContent).join(" ")`); got != "1,190 6,204" {
		t.Errorf("sorted by what was sent: %q", got)
	}
	tb.awaitState("live")
}

// TestKeyboardReachesEverything that can be used, and shows where it is.
func TestKeyboardReachesEverything(t *testing.T) {
	tb := open(t, serve(t, source(busy)), 1280, "dark")
	tb.awaitState("live")
	var reached []string
	for range 30 {
		tb.do(chromedp.KeyEvent(kb.Tab))
		where := eval[string](tb, `(() => {
			const at = document.activeElement;
			if (at === document.body) return "";
			const { outlineStyle, outlineWidth } = getComputedStyle(at);
			const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
			return (at.name || at.textContent.trim()) + (seen ? "" : " (unseen)");
		})()`)
		if where == "" {
			break
		}
		reached = append(reached, where)
	}
	want := []string{"snapshot.json", "The numbers behind the chart", "filter",
		"Endpoint", "Waiting", "Rate/s", "Sent", "Held", "429", "Retried", "Refused", "Wait p50", "p90", "p99", "Max"}
	if !slices.Equal(reached, want) {
		t.Errorf("Tab reaches %q,\nwant %q", reached, want)
	}
}
