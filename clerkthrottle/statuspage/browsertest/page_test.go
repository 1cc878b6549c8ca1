package browsertest

import (
	"math/rand/v2"
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
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

func busy() snapshot.Snapshot { return load(time.Now()) }

// serve serves the page of a source.
func serve(t *testing.T, s statuspage.Source, opts ...statuspage.Option) string {
	t.Helper()
	server := httptest.NewServer(statuspage.New(s, opts...))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// TestPageBecomesWhatIsSent: whatever a page showed before, it then has the same tree
// of nodes as the view that has arrived, and shows its time.
func TestPageBecomesWhatIsSent(t *testing.T) {
	var mu sync.Mutex
	draw := rand.New(rand.NewPCG(1, 2))
	drawn := source(func() snapshot.Snapshot {
		mu.Lock()
		defer mu.Unlock()
		s := busy()
		some := func() bool { return draw.IntN(4) > 0 }
		s.Limits = slices.DeleteFunc(s.Limits, func(snapshot.Limit) bool { return !some() })
		s.Endpoints = slices.DeleteFunc(s.Endpoints, func(snapshot.Endpoint) bool { return !some() })
		draw.Shuffle(len(s.Limits), func(i, j int) { s.Limits[i], s.Limits[j] = s.Limits[j], s.Limits[i] })
		for i := range s.Endpoints {
			s.Endpoints[i].Counts.Sent, s.Endpoints[i].Learned = draw.Int64N(1e6), some()
		}
		if !some() {
			return snapshot.Snapshot{Time: s.Time}
		}
		return s
	})
	tb := open(t, serve(t, drawn, statuspage.WithInterval(time.Minute)), 1280, "light")
	tb.awaitState("live")
	differ := eval[[]string](tb, `(async () => {
		const { morph } = await import("./morph.js");
		const view = document.getElementById("view"), differ = [];
		for (let i = 0; i < 60; i++) {
			const query = ["", "?all=1", "?filter=users", "?sort=sent&reverse=1"][i % 4];
			const page = await (await fetch("./" + query)).text();
			const sent = new DOMParser().parseFromString(page, "text/html").getElementById("view");
			morph(view, sent.cloneNode(true));
			if (!view.isEqualNode(sent)) differ.push(i + query);
		}
		return differ;
	})()`)
	if len(differ) > 0 {
		t.Errorf("%q", differ)
	}
}

// TestAddressMayHoldAPassword, although scripts may not fetch a URL with one.
func TestAddressMayHoldAPassword(t *testing.T) {
	page := statuspage.New(source(busy), statuspage.WithInterval(often))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password == "secret" {
			page.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	tb := open(t, strings.Replace(server.URL, "//", "//operator:secret@", 1), 1280, "light")
	const now = `document.querySelector("[data-now]").dataset.now`
	tb.await("other numbers come", now+" !== '"+eval[string](tb, now)+"'")
	tb.awaitState("live")
}

// TestNumbersFollow a throttle at work: callers that want more than the limit
// allows.
func TestNumbersFollow(t *testing.T) {
	stand := clerktest.New(clerktest.WithLatency(clerktest.Constant(20 * time.Millisecond)))
	throttle, err := clerkthrottle.NewTransport(
		clerkthrottle.WithBase(stand.RoundTripper()),
		clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, 20, 5*time.Second),
	)
	if err != nil {
		t.Fatal(err)
	}
	var callers sync.WaitGroup
	defer callers.Wait()
	defer func() { _ = throttle.Close() }()
	tb := open(t, serve(t, throttle, statuspage.WithInterval(50*time.Millisecond)), 1280, "light")
	tb.await("no request is seen", `document.querySelector("h1").textContent === "No request yet"`)
	for range 40 {
		callers.Go(func() {
			req, err := http.NewRequest("GET", "https://api.clerk.com/v1/users", nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer sk_test_caller")
			if resp, err := throttle.RoundTrip(req); err == nil {
				resp.Body.Close()
			}
		})
	}
	tb.await("the line is told", `/^\d+ requests wait for the limit “instance”/.test(document.querySelector("h1").textContent)`)
	tb.await("all are sent", `document.querySelector("td.sent")?.textContent === "40" && document.querySelector("td.waited").textContent !== "0"`)
	tb.await("nothing waits", `document.querySelector("h1").textContent === "Nothing waits"`)
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
	until := ahead().Add(50 * time.Second)
	blocked := source(func() snapshot.Snapshot {
		s := load(ahead())
		s.Endpoints[0].BlockedUntil = &until
		return s
	})
	tb := open(t, serve(t, blocked, statuspage.WithInterval(time.Minute)), 1280, "light")
	tb.awaitState("live")
	shownAt := eval[int64](tb, `Number(document.querySelector("[data-now]").dataset.now)`)
	last := eval[string](tb, firstCountdown)
	for range 3 {
		tb.await("the countdown moves", firstCountdown+" !== '"+last+"'")
		last = eval[string](tb, firstCountdown)
		// Delays make it late, never early.
		if got, left := seconds(t, last), until.Sub(ahead()).Seconds(); got < left-0.2 || got > left+60 {
			t.Errorf("the countdown says %v, with %.2f left", got, left)
		}
	}
	if now := eval[int64](tb, `Number(document.querySelector("[data-now]").dataset.now)`); now != shownAt {
		t.Error("another snapshot came: the test proves nothing")
	}
}

// TestFilterAndSortKeepTheFocus, and what is typed, while the page changes.
func TestFilterAndSortKeepTheFocus(t *testing.T) {
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

// TestKeyboardReachesEverything that can be used, and the focus is visible.
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
