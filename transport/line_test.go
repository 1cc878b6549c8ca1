package transport_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The window and the lines before it.

// A bucket of capacity N refilled at N/W admits 2N−1 in its first window.
func TestNever2NInAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		rt := newTransport(t, srv, limit(100, 10*sec))
		clients(t, rt, 500, "/a")
		at := srv.times("")
		if n := mostInWindow(at, 10*sec); n != 100 {
			t.Errorf("%d in a window, want 100", n)
		}
		if last := at[len(at)-1]; last != 40*sec {
			t.Errorf("500 took until %s, want 40s", last)
		}
	})
}

// Requests that are sent a window apart bunch up on the way: counted at the
// server, they must not.
func TestArrivalsNotSendsAreWhatTheWindowHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		var mu sync.Mutex
		late := func() time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return time.Duration(random.Int64N(int64(2 * sec)))
		}
		srv := newServer(nil)
		base := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			time.Sleep(late()) // on the way there
			resp, err := srv.RoundTrip(req)
			time.Sleep(late()) // on the way back
			return resp, err
		})
		clients(t, newTransport(t, base, limit(20, 5*sec)), 400, "/a")
		if n := mostInWindow(srv.times(""), 5*sec); n > 20 {
			t.Errorf("%d arrived in a window of 20", n)
		}
	})
}

func TestBurstOfNGoesOutAtOnce(t *testing.T) {
	for _, learn := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv := newServer(nil)
			table := limit(1000, 10*sec)
			table.learn = learn
			rt := newTransport(t, srv, table, maxWait(0))
			for range 5 {
				clients(t, rt, 1000, "/a")
				time.Sleep(10 * sec)
			}
		})
	}
}

func TestFirstComeFirstServed(t *testing.T) {
	for name, answers := range map[string][]func() (*http.Response, error){
		"for a token":    nil,
		"behind a block": {tooMany("30")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := newServer(script(answers...))
				rt := newTransport(t, srv, limit(3, 10*sec))
				_, _ = rt.RoundTrip(request(within(t, sec), http.MethodGet, "/first", nil))
				var all sync.WaitGroup
				for i := range 50 {
					all.Go(func() {
						req := request(t.Context(), http.MethodGet, "/first", nil)
						req.Header.Set("Number", fmt.Sprint(i))
						if _, err := rt.RoundTrip(req); err != nil {
							t.Error(err)
						}
					})
					synctest.Wait()
					time.Sleep(time.Millisecond)
				}
				all.Wait()
				// What goes out at one moment arrives in any order.
				most, before := -1, -1
				for i, v := range srv.log()[1:] {
					number, err := strconv.Atoi(v.req.Header.Get("Number"))
					if err != nil {
						t.Fatal(err)
					}
					if i > 0 && v.at != srv.log()[i].at {
						before = most
					}
					if number < before {
						t.Fatalf("number %d went at %s, after number %d", number, v.at, before)
					}
					most = max(most, number)
				}
				if most != 49 {
					t.Errorf("the last number is %d", most)
				}
			})
		})
	}
}

// Whoever comes at the very moment at which a token does stands behind those who
// waited for it, though their timer may not have fired yet.
func TestNewcomerDoesNotOvertakeWhenATokenComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for i := range 100 {
			srv := newServer(nil)
			rt := newTransport(t, srv, limit(1, 10*sec))
			var all sync.WaitGroup
			for range 5 {
				all.Go(func() {
					time.Sleep(10 * sec)
					mustGet(t, rt, "/newcomer")
				})
			}
			synctest.Wait()
			clients(t, rt, 2, "/old")
			all.Wait()
			if at := srv.times("/old"); at[1] != 10*sec {
				t.Fatalf("run %d: the one in line was overtaken and went at %s", i, at[1])
			}
		}
	})
}

// Whoever waits for a limit of his own waits in a line of his own.
func TestWaitersOfAPrivateRowDoNotDelayOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		table := limit(100, 10*sec)
		table.private.N, table.private.Window, table.private.Key = 1, 10*sec, "user "
		rt := newTransport(t, srv, table, maxWait(1000*time.Hour))
		var crowd sync.WaitGroup
		for range 1000 {
			crowd.Go(func() { mustGet(t, rt, "/users/1") })
		}
		synctest.Wait()
		if b := bucketOf(t, rt.Snapshot(), "user /users/1"); b.Waiting != 999 {
			t.Fatalf("%d wait for the private row, want 999", b.Waiting)
		}
		if b := bucketOf(t, rt.Snapshot(), "shared"); b.Free != 99 {
			t.Errorf("%d shared tokens are left, want 99: who waits holds none", b.Free)
		}
		before := time.Now()
		clients(t, rt, 49, "/a")
		for i := range 50 { // the other users' rows are other rows
			mustGet(t, rt, fmt.Sprintf("/users/%d", i+2))
		}
		if took := time.Since(before); took != 0 {
			t.Errorf("the others waited %s", took)
		}
		crowd.Wait()
		if last := srv.times("/users/1")[999]; last != 9990*sec {
			t.Errorf("the crowd went at one per 10s until %s, want 9990s", last)
		}
	})
}

// Where the time to wait is a lower bound, since answers are missing, a waiter
// goes on as soon as the answer that frees his token allows.
func TestLateAnswerFreesItsTokenAWindowLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		srv.latency = 25 * sec
		clients(t, newTransport(t, srv, limit(1, 10*sec)), 3, "/a")
		if at := srv.times(""); !slices.Equal(at, []time.Duration{0, 35 * sec, 70 * sec}) {
			t.Errorf("sent at %v, want 0s, 35s and 70s", at)
		}
	})
}
