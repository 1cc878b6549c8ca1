package transport_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// Classes, flows and the order of turns.

func inClass(p transport.Priority) context.Context {
	return transport.WithPriority(context.Background(), p)
}

// send makes one GET and returns what came of it. Any goroutine may call it.
func send(ctx context.Context, rt http.RoundTripper, path string) error {
	resp, err := rt.RoundTrip(request(ctx, http.MethodGet, path, nil))
	if err == nil {
		resp.Body.Close()
	}
	return err
}

// A block that is long over makes nobody start anew at the end of the line, so
// that flows lose their turns and worse classes are counted as passed over.
func TestOldBlockCostsNobodyHisTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(tooMany("1")))
		rt := newTransport(t, srv, limit(1, 10*sec))
		_ = send(within(t, sec/2), rt, "/a") // blocked, for 1s
		time.Sleep(20 * sec)
		base := srv.start.Add(20 * sec)
		var mu sync.Mutex
		order := ""
		var all sync.WaitGroup
		wait := func(p transport.Priority, flow string) {
			all.Go(func() {
				if err := send(transport.WithFlow(inClass(p), flow), rt, "/a"); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				order += flow
			})
			synctest.Wait()
		}
		wait(transport.Normal, "x") // goes at once
		for range 11 {
			wait(transport.Interactive, "I")
		}
		wait(transport.Batch, "b")
		wait(transport.Interactive, "J")
		all.Wait()
		// Two flows take turns; after nine of them it is batch's.
		if want := "xIJIIIIIII" + "bIII"; len(order) != len(want) || order != want {
			t.Errorf("order %s, want %s", order, want)
		}
		if took := time.Since(base); took != 130*sec {
			t.Errorf("fourteen took %s", took)
		}
	})
}

// Interactive callers want all there is, and wait as long as they may: a batch
// call that is told their whole number would always be refused.
func TestBatchIsServedBehindAFullLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		srv.latency = 50 * time.Millisecond
		rt := newTransport(t, srv, limit(20, 10*sec), maxWait(time.Minute))
		ctx, cancel := context.WithCancel(inClass(transport.Interactive))
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				for ctx.Err() == nil {
					if send(ctx, rt, "/a") != nil {
						time.Sleep(sec)
					}
				}
			})
		}
		time.Sleep(2 * time.Minute)
		for range 5 {
			if err := send(inClass(transport.Batch), rt, "/a"); err != nil {
				t.Errorf("at %s: %v", time.Since(srv.start), err)
			}
		}
		cancel()
		all.Wait()
	})
}

// Ten thousand waiters of all kinds come, go, and give up: no token is lost, and
// no goroutine left, or the bubble would not end.
func Test10000WaitersCancelledAtRandomLeaveNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 500
		random := rand.New(rand.NewPCG(3, 1))
		srv := newServer(nil)
		srv.latency = 20 * time.Millisecond
		table := limit(n, 10*sec)
		table.private.N, table.private.Window, table.private.Key = 50, 10*sec, "user "
		rt := newTransport(t, srv, table, func(c *transport.Config) { c.ReserveInteractive = 0.2 })
		var all sync.WaitGroup
		var mu sync.Mutex
		sent, gaveUp := 0, 0
		for i := range 10_000 {
			ctx := transport.WithFlow(inClass(transport.Priority(i%3-1)), fmt.Sprint(i%7))
			ctx, cancel := context.WithCancel(ctx)
			path := fmt.Sprintf("/users/%d", i%30)
			if i%2 == 0 {
				path = "/a"
			}
			all.Go(func() {
				err := send(ctx, rt, path)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					sent++
				} else {
					gaveUp++
				}
			})
			if after := random.IntN(100_000); after > 10_000 {
				time.AfterFunc(time.Duration(after)*time.Millisecond, cancel)
			} else { // not at all
				_ = cancel
			}
		}
		all.Wait()
		time.Sleep(10 * sec)
		s := rt.Snapshot()
		for _, l := range s.Limits {
			if l.Free != l.N || l.Waiting != 0 || l.Next != nil {
				t.Errorf("a bucket is not whole: %+v", l)
			}
		}
		var counted snapshot.Counts
		for _, e := range s.Endpoints {
			if e.Waiting != 0 || e.Waits.P50 > e.Waits.Max {
				t.Errorf("%+v", e)
			}
			counted.Sent += e.Counts.Sent
			counted.Refused += e.Counts.Refused
		}
		if at := srv.times(""); int(counted.Sent) != len(at) || mostInWindow(at, 10*sec) > n {
			t.Errorf("%d sent, %d counted, %d in a window", len(at), counted.Sent, mostInWindow(at, 10*sec))
		}
		if sent < 2000 || gaveUp < 2000 {
			t.Errorf("%d went and %d gave up: want many of both", sent, gaveUp)
		}
	})
}

// A thousand of every class wait for one user's row; nobody else does.
func TestPrivateRowHoldsUpNoOtherClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		table := limit(100, 10*sec)
		table.private.N, table.private.Window, table.private.Key = 1, 10*sec, "user "
		rt := newTransport(t, srv, table, maxWait(1000*time.Hour))
		var crowd sync.WaitGroup
		classes := []transport.Priority{transport.Interactive, transport.Normal, transport.Batch}
		for i := range 1000 {
			crowd.Go(func() { _ = send(inClass(classes[i%3]), rt, "/users/1") })
		}
		synctest.Wait()
		if b := bucketOf(t, rt.Snapshot(), "user /users/1").ByClass; b.Interactive < 333 || b.Normal < 332 || b.Batch < 332 {
			t.Errorf("in line %+v", b)
		}
		for _, p := range classes {
			for i := range 30 {
				for _, path := range []string{"/a", fmt.Sprintf("/users/%d", 2+i)} {
					before := time.Now()
					if err := send(inClass(p), rt, path); err != nil {
						t.Error(err)
					}
					if i < 16 && time.Since(before) != 0 {
						t.Errorf("%s %s waited %s", p, path, time.Since(before))
					}
				}
			}
			time.Sleep(time.Minute)
		}
		crowd.Wait()
		// Worse classes have their turns: one in eleven goes from the start.
		if at := srv.times("/users/1"); len(at) != 1000 || !slices.IsSorted(at) || mostInWindow(at, 10*sec) != 1 {
			t.Errorf("%d went", len(at))
		}
	})
}

// A reserve holds back those below it, who are told for how long, and nobody else.
func TestRefusalByAReserveSaysForHowLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newTransport(t, newServer(nil), limit(10, 10*sec), func(c *transport.Config) {
			c.ReserveInteractive, c.ReserveNormal = 0.2, 0.3
		}, maxWait(0))
		goes := func(p transport.Priority) (n int) {
			for send(inClass(p), rt, "/a") == nil {
				n++
			}
			return n
		}
		for _, want := range []struct {
			class transport.Priority
			n     int
		}{{transport.Batch, 5}, {transport.Normal, 3}, {transport.Interactive, 2}} {
			if n := goes(want.class); n != want.n {
				t.Errorf("%d of %s went, want %d of ten", n, want.class, want.n)
			}
			if want.class == transport.Interactive {
				break
			}
			ctx := inClass(want.class)
			e := wantThrottled(t, send(ctx, rt, "/a"), transport.ReasonMaxWait)
			said := rt.Estimate(request(ctx, http.MethodGet, "/a", nil))
			if e.Wait <= 0 || e.Hold != transport.HoldLimit || said != e.Wait {
				t.Errorf("%s: %+v, and an estimate of %s", want.class, e, said)
			}
		}
		time.Sleep(10 * sec)
		if n := goes(transport.Normal); n != 8 {
			t.Errorf("%d of normal went, want 8", n)
		}
	})
}
