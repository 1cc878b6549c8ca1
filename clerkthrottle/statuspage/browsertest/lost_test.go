package browsertest

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

const often = 50 * time.Millisecond

// said is what the page says of its connection: a word, how faint it is, and the time
// of its numbers.
const said = `[document.getElementById("status").textContent, getComputedStyle(document.querySelector("[data-key=limits]")).opacity,
	document.querySelector(".asof").innerText.slice(0, 10)].join("; ")`

// TestLostConnectionRecovers stops the program and starts it again.
func TestLostConnectionRecovers(t *testing.T) {
	page := statuspage.New(source(busy), statuspage.WithInterval(often))
	listen := func(address string) (*http.Server, string) {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: page}
		go func() { _ = server.Serve(l) }()
		return server, l.Addr().String()
	}
	server, address := listen("127.0.0.1:0")
	tb := open(t, "http://"+address+"/", 1280, "light")
	tb.awaitState("live")
	if got := eval[string](tb, said); !strings.HasPrefix(got, "live; 1; ") || strings.HasSuffix(got, "Numbers of") {
		t.Errorf("while all is well, the page says %q", got)
	}

	tb.expectLoss()
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	tb.awaitState("lost")
	if got := eval[string](tb, said); got != "connection lost, retrying; 0.5; Numbers of" {
		t.Errorf("without the program, the page says %q", got)
	}
	stood := eval[string](tb, firstCountdown)
	time.Sleep(300 * time.Millisecond)
	if got := eval[string](tb, firstCountdown); got != stood {
		t.Errorf("a countdown that nobody can vouch for goes on from %s to %s", stood, got)
	}

	server, _ = listen(address)
	defer func() { _ = server.Close() }()
	tb.awaitState("live")
	if got := eval[string](tb, said); !strings.HasPrefix(got, "live; 1; ") {
		t.Errorf("when it is back, the page says %q", got)
	}
}

// TestWhatIsNoAnswerIsLoss: a connection may die silently, and a proxy may send a
// page of its own.
func TestWhatIsNoAnswerIsLoss(t *testing.T) {
	for name, instead := range map[string]http.HandlerFunc{
		"silence":       func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"another page":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<h1>Log in</h1>")) },
		"not available": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	} {
		t.Run(name, func(t *testing.T) {
			var away atomic.Bool
			page := statuspage.New(source(busy), statuspage.WithInterval(often))
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if away.Load() {
					instead(w, r)
					return
				}
				page.ServeHTTP(w, r)
			}))
			t.Cleanup(server.Close)
			tb := open(t, server.URL+"/", 1280, "light")
			tb.awaitState("live")
			tb.expectLoss()
			away.Store(true)
			tb.awaitState("lost")
			if got := eval[string](tb, `document.querySelector("h1").textContent`); !strings.Contains(got, "instance") {
				t.Errorf("the page shows %q", got)
			}
			away.Store(false)
			tb.awaitState("live")
		})
	}
}

// TestUnseenPageRests: a page in a hidden tab requests nothing, and does not call its
// old numbers live when it is shown again.
func TestUnseenPageRests(t *testing.T) {
	var asked atomic.Int64
	counted := source(func() snapshot.Snapshot {
		asked.Add(1)
		return busy()
	})
	tb := open(t, serve(t, counted, statuspage.WithInterval(often)), 1280, "light")
	tb.awaitState("live")
	const turn = `(() => {
		Object.defineProperty(document, "hidden", { value: %, configurable: true });
		document.dispatchEvent(new Event("visibilitychange"));
		return document.documentElement.dataset.state;
	})()`
	if got := eval[string](tb, strings.Replace(turn, "%", "true", 1)); got != "resumed" {
		t.Errorf("the state of a page unseen is %q", got)
	}
	time.Sleep(4 * often)
	rested := asked.Load()
	time.Sleep(6 * often)
	if n := asked.Load() - rested; n > 0 {
		t.Errorf("unseen, the page asks for %d snapshots", n)
	}
	if got := eval[string](tb, strings.Replace(turn, "%", "false", 1)); got != "resumed" {
		t.Errorf("the state of a page seen again is %q", got)
	}
	tb.awaitState("live")
}
