package sender

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// What an import sent in the last seconds before it was killed still counts at
// Clerk, but the budget that knew of it died with it: a run that begins anew
// with a whole budget would be answered 429. The journal knows when requests
// left. So for each that still counts, a ghost goes through the throttle before
// anything else: it takes a token, as a request does, holds it until Clerk has
// forgotten the request it stands for, and leaves without being sent.
type ghost struct {
	until time.Time
	holds func() // tells that it has its token
	leave func() // ends its request, so that the throttle does not try again
}

type ghostKey struct{}

// hold is the ghost's turn at the network. Its error is that of a connection
// that could not be made, after which the throttle knows that nothing was sent
// and that the token is free at once.
func (g *ghost) hold(ctx context.Context) error {
	g.holds()
	_ = pause(ctx, time.Until(g.until))
	g.leave()
	return &net.OpError{Op: "dial", Net: "tcp", Err: context.Canceled}
}

// rememberSends sends the ghosts out, and returns when they hold their tokens.
func (s *Sender) rememberSends(ctx context.Context) {
	n, window := s.config.Allowance()
	// What was on its way when the run was killed arrived a little later.
	window += min(time.Second, window/10+250*time.Millisecond)
	sends := s.journal.Sends()
	sends = sends[max(0, len(sends)-n):]
	var holding sync.WaitGroup
	ghosts, last := 0, time.Duration(0)
	for _, at := range sends {
		// A clock that was set back must not make this wait for long.
		left := min(window, window-time.Since(at))
		if left <= 0 {
			continue
		}
		ghosts++
		last = max(last, left)
		holding.Add(1)
		go s.haunt(ctx, &ghost{until: time.Now().Add(left), holds: holding.Done})
	}
	holding.Wait()
	if ghosts > 0 {
		s.report.Say(fmt.Sprintf("%d requests of the last run still count at Clerk, for up to %s", ghosts, last.Round(100*time.Millisecond)))
	}
}

func (s *Sender) haunt(ctx context.Context, g *ghost) {
	g.holds = sync.OnceFunc(g.holds)
	defer g.holds() // if the throttle refused it, nobody must wait for it
	ctx, g.leave = context.WithCancel(context.WithValue(ctx, ghostKey{}, g))
	defer g.leave()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.config.URL+"/users", nil)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+s.config.Key)
	resp, err := s.throttle.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
}
