package transport

import (
	"context"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
	"github.com/clerkthrottle/clerkthrottle-go/internal/registry"
	"github.com/clerkthrottle/clerkthrottle-go/internal/retrybudget"
	"github.com/clerkthrottle/clerkthrottle-go/internal/saturating"
	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// scheduler decides when a request may be sent.
//
// A request passes a row of stations: the endpoint's gate, its own limits, the
// rate learned for the endpoint, and last the limit that most requests share.
// Each station has a line of its own, so nobody waits behind a request that is
// held up by something that does not concern him. Whoever has passed them all
// looks at the gate once more: if it has closed meanwhile, even if it is open
// again, he gives back what he took and starts anew, now by the learned rate.
//
// Waking up is exact: a station has one timer, set to the moment at which the
// first of its line can pass, and every answer that frees a token looks at the
// line itself. There is no polling and no goroutine of its own.
//
// The tokens of a limit are this process's own, or those that it owns of a
// [Budget]'s: then the window's size changes, see fleet.
type scheduler struct {
	cfg   *Config
	epoch time.Time // now() counts from here, on the monotonic clock
	fleet *fleet    // nil: no tokens are a Budget's

	mu        sync.Mutex
	endpoints registry.Registry[*endpoint]
	windows   registry.Registry[*station]
	waiters   [queue.Classes]queue.Queue[*permit] // all who wait, by class, in order of arrival
	woken     []*station                          // freed by what is going on; drained before unlocking
	history   tally.History
	retries   retrybudget.Budget
	observers []*Observer
	events    []func() // for the observers; told after unlocking
	closed    bool
}

func newScheduler(cfg *Config) *scheduler {
	s := &scheduler{cfg: cfg, epoch: time.Now(), observers: cfg.Observers, windows: registry.New((*station).evict)}
	if cfg.RetryBudget != nil {
		s.retries = retrybudget.New(cfg.RetryBudget.Fraction, cfg.RetryBudget.Free)
	}
	s.endpoints = registry.New(func(ep *endpoint, now time.Duration) bool {
		s.noteUnlearnedLocked(ep, now)
		ep.gate.evicted = ep.idle(now)
		return ep.gate.evicted
	})
	if cfg.Budget != nil {
		s.fleet = newFleet(s, cfg.Budget.Join())
	}
	return s
}

func (s *scheduler) now() time.Duration { return time.Since(s.epoch) }

// unlock tells the observers what happened under the lock.
func (s *scheduler) unlock() {
	events := s.events
	s.events = nil
	s.mu.Unlock()
	for _, tell := range events {
		tell()
	}
}

// acquire waits until the claim's gate is open and every limit of it has room,
// takes what the request needs, and returns the permit to send it. The error is a
// [*ThrottledError] where the request would have to wait longer than maxWait or
// than ctx's deadline allows, which is known, and told, as early as the numbers
// show it; and ctx's own error where it was cancelled. Nothing is spent on an error.
func (s *scheduler) acquire(ctx context.Context, c *Claim, maxWait time.Duration) (*permit, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p := &permit{terms: termsOf(ctx)}
	bound, deadline := waitBound(ctx, maxWait)
	p.byDeadline = deadline
	s.mu.Lock()
	wait, err := s.enterLocked(p, c, bound)
	s.unlock()
	if wait {
		err = p.wait(ctx)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// enterLocked takes a new permit as far as it gets, and reports whether it has to
// wait.
func (s *scheduler) enterLocked(p *permit, c *Claim, bound time.Duration) (wait bool, err error) {
	now := s.now()
	if s.closed {
		p.route = &route{claim: c}
		return false, p.closedError()
	}
	p.arrived, p.until, p.route = now, saturating.Add(now, bound), s.routeLocked(c, now)
	switch {
	case s.cfg.DryRun:
		s.dryRunLocked(p, now)
		return false, nil
	case p.canPassAllLocked(now): // the usual case
		for _, st := range p.stations {
			p.pass(st, now)
		}
		s.sendLocked(p, now)
		return false, nil
	}
	if err := p.refusalLocked(now); err != nil {
		s.refuseLocked(p, err, now)
		return false, err
	}
	if s.advanceLocked(p, now) {
		return false, nil
	}
	s.waiters[p.class()].Push(&p.turn)
	s.drainLocked(now) // a better class goes past those who wait
	if !p.done {
		s.trimQueueLocked(p, now)
	}
	return true, nil
}

// boundLocked keeps the queue within its bound, after p came to stand in it: the
// newcomer of the lowest class goes.
func (s *scheduler) trimQueueLocked(p *permit, now time.Duration) {
	n := 0
	for i := range s.waiters {
		n += s.waiters[i].Len()
	}
	if s.cfg.MaxQueue <= 0 || n <= s.cfg.MaxQueue {
		return
	}
	for class := queue.Classes - 1; class >= 0; class-- {
		if back := s.waiters[class].Back(); back != nil {
			victim := back.Value
			s.expelLocked(victim, victim.queueFullError(now, n-1), now)
			break
		}
	}
	s.drainLocked(now)
}

// refuseLocked takes off its stations a permit that is not sent, because it is
// refused or because its caller gave up.
func (s *scheduler) refuseLocked(p *permit, err error, now time.Duration) {
	if _, refused := err.(*ThrottledError); refused { //nolint:errorlint // one of our own making, not wrapped yet
		s.countLocked(p.endpoint, now, tally.Counts{Refused: 1})
	}
	p.leave()
}

// expelLocked takes a permit that waits out of its line, as if it had never
// come, and tells it why.
func (s *scheduler) expelLocked(p *permit, err error, now time.Duration) {
	st := p.stations[p.passed]
	st.remove(p)
	s.restoreLocked(p, now)
	s.refuseLocked(p, err, now)
	p.grant(err)
	s.woken = append(s.woken, st) // its timer may have been set for p
}

// estimate returns how long a request with the claim, and with the priority and
// flow of the context, would wait if it came now.
func (s *scheduler) estimate(ctx context.Context, c *Claim) time.Duration {
	s.mu.Lock()
	defer s.unlock()
	now := s.now()
	p := &permit{terms: termsOf(ctx), route: s.newRouteLocked(c, now, false)}
	at, _ := p.earliestLocked(now)
	p.leave()
	return at - now
}

// affordRetry reports whether one more failure may be tried again.
func (s *scheduler) takeRetry() bool {
	s.mu.Lock()
	defer s.unlock()
	now := s.now()
	return s.retries.Retry(now, s.history.Sent(now, retrybudget.Memory))
}

// observe has more observers told what happens.
func (s *scheduler) observe(observers []*Observer) {
	s.mu.Lock()
	defer s.unlock()
	s.observers = append(s.observers[:len(s.observers):len(s.observers)], observers...)
}

// close refuses all that wait and all that come after. Permits that are out may
// still be settled.
func (s *scheduler) close() error {
	s.mu.Lock()
	if s.closed {
		s.unlock()
		return nil
	}
	s.closed = true
	now := s.now()
	for class := range s.waiters {
		for n := s.waiters[class].Front(); n != nil; n = s.waiters[class].Front() {
			s.expelLocked(n.Value, n.Value.closedError(), now)
		}
	}
	s.drainLocked(now)
	for _, ep := range s.endpoints.All() {
		if ep.stats != nil && ep.stats.reopen != nil {
			ep.stats.reopen.Stop()
		}
	}
	s.unlock()
	if s.fleet != nil {
		return s.fleet.leave()
	}
	return nil
}
