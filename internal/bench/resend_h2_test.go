package bench

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// resetBroken resets a stream as servers do that have already counted it: net/http
// treats it as one that was not processed.
func resetBroken(f *http2.Framer, stream uint32) error {
	return f.WriteRSTStream(stream, http2.ErrCodeProtocol)
}

// goAwayLater says that the requests before this one were processed.
func goAwayLater(f *http2.Framer, stream uint32) error {
	return f.WriteGoAway(max(stream, 2)-2, http2.ErrCodeNo, nil)
}

// cut closes the connection.
func cut(*http2.Framer, uint32) error { return errors.New("cut") }

// arrivals records every request on arrival, and then plays a random act.
type arrivals struct {
	start time.Time
	seed  uint64
	mu    sync.Mutex
	at    []time.Duration
	away  map[*http2.Framer]bool // connections that a GOAWAY was sent on
}

func (a *arrivals) act(f *http2.Framer, stream uint32) error {
	a.mu.Lock()
	if a.away[f] { // not processed, as announced
		a.mu.Unlock()
		return nil
	}
	random := rand.New(rand.NewPCG(a.seed, uint64(len(a.at))))
	a.at = append(a.at, time.Since(a.start))
	fault := random.IntN(40)
	a.away[f] = fault < 2
	a.mu.Unlock()
	if faults := []h2act{goAway, goAwayLater, refuse, refuse, resetBroken, resetBroken, cancelStream, cut}; fault < len(faults) {
		return faults[fault](f, stream)
	}
	return status("200")(f, stream)
}

// most returns the largest number of arrivals in one half-open window.
func (a *arrivals) most(window time.Duration) (most int) {
	slices.Sort(a.at)
	from := 0
	for i, at := range a.at {
		for a.at[from] <= at-window {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// TestNeverMoreThanNWithHTTP2StreamsRefusedAtRandom checks the limit independently,
// at a server that refuses and resets streams, goes away, and cuts connections.
func TestNeverMoreThanNWithHTTP2StreamsRefusedAtRandom(t *testing.T) {
	t.Parallel()
	const (
		seeds  = 100
		n      = 8
		window = 50 * time.Millisecond
		calls  = 48
	)
	limits := []transport.Limit{{Name: "all", Key: "all", N: n, Window: window}}
	slots := make(chan struct{}, 50)
	var together sync.WaitGroup
	var again atomic.Int64
	for seed := range uint64(seeds) {
		slots <- struct{}{}
		together.Go(func() {
			defer func() { <-slots }()
			a := &arrivals{start: time.Now(), seed: seed, away: make(map[*http2.Framer]bool)}
			url, roots, stop := serveH2(t, a.act)
			served := burst(url, roots, limits, calls)
			stop()
			if most := a.most(window); most > n {
				t.Errorf("seed %d: %d requests in a window of %d", seed, most, n)
			}
			if served < calls*3/4 {
				t.Errorf("seed %d: %d of %d calls served", seed, served, calls)
			}
			again.Add(int64(len(a.at) - calls))
		})
	}
	together.Wait()
	if again.Load() <= seeds {
		t.Errorf("%d requests were sent again: this shows nothing", again.Load())
	}
}

// burst makes the calls at once, of three methods, and returns how many succeeded.
func burst(url string, roots *x509.CertPool, limits []transport.Limit, calls int) int {
	base := &http.Transport{ForceAttemptHTTP2: true, IdleConnTimeout: time.Second, TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer base.CloseIdleConnections()
	claim := &transport.Claim{Endpoint: "any", Key: "any", Limits: limits}
	rt, err := transport.New(transport.Config{
		Base: base, MaxWait: time.Minute,
		Classify:    func(*http.Request) *transport.Claim { return claim },
		RetryBudget: &transport.RetryBudget{Fraction: 3},
	})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var served atomic.Int64
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() {
			var body io.Reader
			if i%3 > 0 {
				body = strings.NewReader("body")
			}
			method := []string{http.MethodGet, http.MethodPut, http.MethodPost}[i%3]
			req, _ := http.NewRequestWithContext(ctx, method, url, body)
			if resp, err := rt.RoundTrip(req); err == nil {
				resp.Body.Close()
				served.Add(1)
			}
		})
	}
	all.Wait()
	return int(served.Load())
}
