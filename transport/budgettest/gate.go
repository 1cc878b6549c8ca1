package budgettest

import (
	"sync"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// The gate that a 429 closes. The limits of these tests are so wide that
// nothing else holds anybody.

const wide = 1000

// blocked takes a lease and blocks its endpoint for so many windows.
func (e *env) blocked(c *transport.Claim, windows float64) {
	lease := e.take(c, e.patient())
	lease.Block(e.windows(windows))
	lease.Settle(transport.Throttled)
}

func blockHoldsEverybody(e *env) {
	shared := e.limit("shared", wide)
	c, again := e.claim("GET /", shared), e.claim("GET /", shared)
	var sent moments
	var all sync.WaitGroup
	e.blocked(c, 1)
	for range 5 {
		all.Go(func() {
			lease := e.take(again, e.patient())
			sent.add(e.since())
			lease.Settle(transport.Answered)
		})
	}
	e.settled()
	refusal := e.refused(again)
	if refusal.Hold != transport.HoldBlock {
		e.Errorf("held by %q, want the block", refusal.Hold)
	}
	all.Wait()
	for _, at := range sent.at {
		e.near("one behind the block was sent", at, e.window)
	}
	e.spend(c, 0)
}

func blockLeavesOthersAlone(e *env) {
	shared := e.limit("shared", wide)
	e.blocked(e.claim("GET /", shared), 1)
	e.spend(e.claim("POST /", shared), 0)
}

func blockOnlyGrows(e *env) {
	c := e.claim("GET /", e.limit("shared", wide))
	late := []transport.Lease{e.take(c, 0), e.take(c, 0)} // under way when it closes
	e.blocked(c, 1)
	late[0].Block(e.windows(0.2)) // a shorter one changes nothing
	late[0].Settle(transport.Throttled)
	e.until(0.5)
	_ = e.refused(c)
	late[1].Block(e.windows(1)) // a longer one counts: until 1.5 windows
	late[1].Settle(transport.Throttled)
	e.until(1.1)
	_ = e.refused(c)
	e.until(1.8)
	e.spend(c, 0)
}

// blindBacksOff: how long, is the budget's business; that it is a while, and
// that it ends, is not.
func blindBacksOff(e *env) {
	c := e.claim("GET /", e.limit("shared", wide))
	e.take(c, 0).Settle(transport.ThrottledBlind)
	if refusal := e.refused(c); refusal.Hold != transport.HoldBlock {
		e.Errorf("held by %q, want the block", refusal.Hold)
	}
	if lease := e.take(c, e.patient()); lease.Waited() < e.windows(0.01) {
		e.Errorf("waited %s", lease.Waited())
	} else {
		lease.Settle(transport.Answered)
	}
}

func snapshotAddsUp(e *env) {
	const n = 5
	limit := e.limit("shared", n)
	c := e.claim("GET /", limit)
	e.spend(c, 0)
	e.spend(c, 0)
	out := e.take(c, 0)
	s := e.budget.Snapshot()
	for _, l := range s.Limits {
		if l.Key != limit.Key {
			continue
		}
		if l.Free != 2 || l.InFlight != 1 || l.Returning != 2 || l.Waiting != 0 || l.N != n || l.Window != e.window {
			e.Errorf("the bucket is %+v; want 2 free, 1 in flight, 2 returning", l)
		}
		out.Settle(transport.Answered)
		return
	}
	e.Errorf("no bucket %q in %+v", limit.Key, s.Limits)
}
