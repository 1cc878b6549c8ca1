package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// inMemory makes a sidecar before an upstream, without sockets, for
// virtual time.
func inMemory(t *testing.T, upstream http.RoundTripper, flags ...string) *sidecar {
	t.Helper()
	o, err := parseOptions(flags, func(string) string { return "" }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	o.base = upstream
	s, err := newSidecar(o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

// A tally counts the answers that one client gets.
type tally struct {
	mu       sync.Mutex
	statuses map[int]int
	longest  time.Duration // to a 200
	inTime   int           // 200s within two seconds
}

// offer sends requests at an even pace for a time, whatever becomes of them, and
// waits for their answers.
func offer(s http.Handler, rate int, d time.Duration, from string, header ...string) *tally {
	t := &tally{statuses: make(map[int]int)}
	var wg sync.WaitGroup
	for range rate * int(d/time.Second) {
		wg.Go(func() {
			r := httptest.NewRequest("GET", "/v1/users", nil)
			r.Host, r.RemoteAddr = "localhost", from
			for i := 0; i < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			if r.Header.Get("Authorization") == "" {
				r.Header.Set("Authorization", "Bearer sk_test_x")
			}
			w := httptest.NewRecorder()
			begin := time.Now()
			s.ServeHTTP(w, r)
			t.add(w.Code, time.Since(begin))
		})
		time.Sleep(time.Second / time.Duration(rate))
	}
	wg.Wait()
	return t
}

func (t *tally) add(status int, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.statuses[status]++
	if status == http.StatusOK {
		t.longest = max(t.longest, took)
		if took <= 2*time.Second {
			t.inTime++
		}
	}
}

// A client that asks for little is served beside one that offers thirty times
// the limit, from its first request on, whatever tells the two apart. It starts
// when the other has had the time to take all that it can get.
func TestAGreedyClientDoesNotStarveAModestOne(t *testing.T) {
	for name, c := range map[string]struct {
		flags                      []string
		greedy, modest             string
		greedyHeader, modestHeader []string
	}{
		"addresses":          {nil, "192.0.2.1:1", "192.0.2.2:1", nil, nil},
		"IPv6 networks":      {nil, "[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", nil, nil},
		"programs, loopback": {nil, "127.0.0.1:1", "127.0.0.1:2", []string{"User-Agent", "import"}, []string{"User-Agent", "shop"}},
		"names":              {[]string{"-client-header", "X-Client"}, "192.0.2.1:1", "192.0.2.1:2", []string{"X-Client", "import"}, []string{"X-Client", "shop"}},
		"priorities":         {[]string{"-priority-header", "X-Priority"}, "192.0.2.1:1", "192.0.2.2:1", []string{"X-Priority", "batch"}, []string{"X-Priority", "Normal"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clerk := clerktest.New(clerktest.WithLatency(clerktest.Constant(50 * time.Millisecond)))
				s := inMemory(t, clerk.RoundTripper(), append(c.flags, "-listen", "0.0.0.0:0")...)
				var greedy, modest *tally
				var wg sync.WaitGroup
				wg.Go(func() { greedy = offer(s, 300, time.Minute, c.greedy, c.greedyHeader...) })
				time.Sleep(5 * time.Second)
				modest = offer(s, 1, 50*time.Second, c.modest, c.modestHeader...)
				wg.Wait()
				t.Logf("greedy: %v; modest: %v, %d within 2s, the longest %s", greedy.statuses, modest.statuses, modest.inTime, modest.longest)
				if modest.inTime < 50*95/100 {
					t.Errorf("%d of 50 requests were served within 2s", modest.inTime)
				}
				if n := greedy.statuses[http.StatusOK] + modest.statuses[http.StatusOK]; n < 1000 { // 1070 without a reserve
					t.Errorf("%d requests were served in two minutes: the limit is not used up", n)
				}
				if s := clerk.Stats(); s.Rejected != 0 {
					t.Errorf("Clerk answered %d requests with 429", s.Rejected)
				}
			})
		})
	}
}

// By default nothing that a client says of itself gives it another's turn: not
// the headers that an operator could allow, and away from loopback not the name
// of its library.
func TestWhatClientsSayOfThemselvesIsNotBelieved(t *testing.T) {
	clerk := clerktest.New()
	for name, c := range map[string]struct {
		from, header, value string
		flags               []string
		caller              string
		class               transport.Priority
	}{
		"address":          {"192.0.2.1:1", "", "", nil, "192.0.2.1", clerkthrottle.Normal},
		"library":          {"192.0.2.1:1", "User-Agent", "x", nil, "192.0.2.1", clerkthrottle.Normal},
		"name":             {"192.0.2.1:1", "X-Client", "x", nil, "192.0.2.1", clerkthrottle.Normal},
		"forwarded":        {"192.0.2.1:1", "X-Forwarded-For", "10.9.8.7", nil, "192.0.2.1", clerkthrottle.Normal},
		"priority":         {"192.0.2.1:1", "X-Priority", "interactive", nil, "192.0.2.1", clerkthrottle.Normal},
		"IPv6":             {"[2001:db8::1]:1", "", "", nil, "2001:db8::/64", clerkthrottle.Normal},
		"allowed name":     {"192.0.2.1:1", "X-Client", "x", []string{"-client-header", "X-Client"}, "name x", clerkthrottle.Normal},
		"no name":          {"192.0.2.1:1", "", "", []string{"-client-header", "X-Client"}, "192.0.2.1", clerkthrottle.Normal},
		"allowed priority": {"192.0.2.1:1", "X-Priority", "interactive", []string{"-priority-header", "X-Priority"}, "192.0.2.1", clerkthrottle.Interactive},
		"no priority":      {"192.0.2.1:1", "X-Priority", "highest", []string{"-priority-header", "X-Priority"}, "192.0.2.1", clerkthrottle.Normal},
	} {
		s := inMemory(t, clerk.RoundTripper(), c.flags...)
		r := httptest.NewRequest("GET", "/v1/users", nil)
		r.RemoteAddr = c.from
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		if got := s.callers.backend(r, "sk_test_x"); got.Name != c.caller || got.Priority != c.class {
			t.Errorf("%s: %+v, want %q %s", name, got, c.caller, c.class)
		}
	}
}

// The headers are for the sidecar, and go no further.
func TestOwnHeadersDoNotReachClerk(t *testing.T) {
	got := doEcho(t, request(t, "GET", start(t, echo(t), "-client-header", "X-Client", "-priority-header", "X-Priority")+"/v1/users",
		"Authorization", "Bearer sk_test_x", "X-Client", "shop", "X-Priority", "batch", "X-Other", "1"))
	if got.Header.Get("X-Client")+got.Header.Get("X-Priority") != "" || got.Header.Get("X-Other") == "" {
		t.Errorf("%v", got.Header)
	}
}

// Who has as many requests in line as may be is refused at once, and told when
// to come again; others still find a place.
func TestOneClientDoesNotFillTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inMemory(t, clerktest.New().RoundTripper(), "-max-queue", "50", "-listen", "0.0.0.0:0", "-limit", "10/10s", "-reserve", "0")
		send := func(from string) *httptest.ResponseRecorder {
			r := httptest.NewRequest("GET", "/v1/users", nil)
			r.RemoteAddr = from
			r.Header.Set("Authorization", "Bearer sk_test_x")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			return w
		}
		for range 10 { // the limit is used up
			send("192.0.2.1:1")
		}
		var wg sync.WaitGroup
		defer wg.Wait()
		for range 60 {
			wg.Go(func() { send("192.0.2.1:1") })
		}
		synctest.Wait()
		begin := time.Now()
		w := send("192.0.2.1:1")
		if took := time.Since(begin); w.Code != http.StatusTooManyRequests || took > 0 || w.Header().Get("Retry-After") < "2" {
			t.Errorf("%d after %s, Retry-After %q: %s", w.Code, took, w.Header().Get("Retry-After"), w.Body)
		}
		if w := send("192.0.2.2:1"); w.Code != http.StatusOK {
			t.Errorf("another client: %d %s", w.Code, w.Body)
		}
	})
}
