package browsertest

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

const often = 50 * time.Millisecond

const (
	state  = `document.getElementById("status").textContent`
	faded  = `Number(getComputedStyle(document.querySelector("[data-key=limits]")).opacity)`
	saysOf = `document.querySelector(".asof").innerText`
)

// TestLostConnectionRecovers takes the program away and brings it back.
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
	if got, opacity := eval[string](tb, state), eval[float64](tb, faded); got != "live" || opacity != 1 {
		t.Errorf("while all is well: %q, opacity %v", got, opacity)
	}

	tb.expectLoss()
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	tb.awaitState("lost")
	if got, opacity := eval[string](tb, state), eval[float64](tb, faded); got != "connection lost, retrying" || opacity != 0.5 {
		t.Errorf("without the program: %q, opacity %v", got, opacity)
	}
	if got := eval[string](tb, saysOf); got[:11] != "Numbers of " {
		t.Errorf("what is shown is old, and says %q", got)
	}
	stood := eval[string](tb, firstCountdown)
	time.Sleep(300 * time.Millisecond)
	if got := eval[string](tb, firstCountdown); got != stood {
		t.Errorf("a countdown that nobody can vouch for goes on from %s to %s", stood, got)
	}

	server, _ = listen(address)
	defer func() { _ = server.Close() }()
	tb.awaitState("live")
	if opacity := eval[float64](tb, faded); opacity != 1 {
		t.Errorf("when it is back: opacity %v", opacity)
	}
}

// TestSilenceIsLoss: a connection may die without a word.
func TestSilenceIsLoss(t *testing.T) {
	var silent atomic.Bool
	gone := make(chan struct{})
	hanging := source(func() transport.Snapshot {
		if silent.Load() {
			<-gone
		}
		return busy()
	})
	url := serve(t, hanging, statuspage.WithInterval(often))
	speak := sync.OnceFunc(func() { silent.Store(false); close(gone) })
	t.Cleanup(speak)
	tb := open(t, url, 1280, "light")
	tb.awaitState("live")
	tb.expectLoss()
	silent.Store(true)
	tb.awaitState("lost")
	speak()
	tb.awaitState("live")
}

// TestUnseenPageRests: a page in a tab that nobody looks at asks for nothing,
// and does not pass what it still shows for live when somebody does.
func TestUnseenPageRests(t *testing.T) {
	var asked atomic.Int64
	counted := source(func() transport.Snapshot {
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
	if got := eval[string](tb, strings.Replace(turn, "%", "false", 1)); got != "resumed" || eval[string](tb, state) != "connecting" && eval[string](tb, state) != "live" {
		t.Errorf("the state of a page seen again is %q", got)
	}
	tb.awaitState("live")
}
