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
// A request passes its stations in order: the endpoint's gate, its own limits, the
// rate learned for the endpoint, and last the limit that most requests share. Each
// station has its own line, so no request waits behind one that is held up by
// something else. After the last station it checks the gate again. If that has closed
// meanwhile, even if it is open again, the request gives its tokens back and starts
// over, now also bound by the rate just learned.
//
// Wakeups are exact: a station has one timer, set to when the first in its line can
// pass, and every answer that frees a token serves the line itself. There is no
// polling, and the scheduler has no goroutine.
//
// The tokens of a limit belong to this process, or are the part of a [Budget]'s that
// it owns: then the window's size varies, see fleet.
type scheduler struct {
	cfg   *Config
	epoch time.Time // now() counts from here, on the monotonic clock
	fleet *fleet    // nil: there is no Budget

	mu        sync.Mutex
	endpoints registry.Registry[*endpoint]
	windows   registry.Registry[*station]
	waiters   [queue.Classes]queue.Queue[*permit] // by class, in order of arrival
	woken     []*station                          // lines to check, drained before unlocking
	history   tally.History
	retries   retrybudget.Budget
	observers []*Observer
	events    []func() // calls of observers, made after unlocking
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

// lock tries a few times before it waits: the lock is held for less time than it takes
// to park a goroutine, and a [sync.Mutex] does not spin while others are runnable.
func (s *scheduler) lock() {
	for range 40 {
		if s.mu.TryLock() {
			return
		}
	}
	s.mu.Lock()
}

// unlock releases the lock and then notifies the observers.
func (s *scheduler) unlock() {
	events := s.events
	s.events = nil
	s.mu.Unlock()
	for _, tell := range events {
		tell()
	}
}

// acquire waits until the claim's gate is open and all its limits have room, takes
// the tokens, and returns the permit to send the request. If the request would have
// to wait longer than maxWait or ctx's deadline allows, it returns a
// [*ThrottledError] as soon as that is known; if ctx is cancelled, ctx's error. An
// error spends nothing.
func (s *scheduler) acquire(ctx context.Context, c *Claim, maxWait time.Duration) (*permit, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p := &permit{terms: termsOf(ctx)}
	bound, deadline := waitBound(ctx, maxWait)
	p.byDeadline = deadline
	s.lock()
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

// enterLocked moves a new permit as far as it can go, and reports whether it has to
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
	s.drainLocked(now) // a higher class goes past the others in line
	if !p.done {
		s.trimQueueLocked(p, now)
	}
	return true, nil
}

// trimQueueLocked enforces MaxQueue after a permit joined a line: it expels the
// newest waiter of the lowest class.
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

// refuseLocked releases a permit that will not be sent, because it is refused or its
// caller gave up.
func (s *scheduler) refuseLocked(p *permit, err error, now time.Duration) {
	if _, refused := err.(*ThrottledError); refused { //nolint:errorlint // our own, not wrapped yet
		s.countLocked(p.endpoint, now, tally.Counts{Refused: 1})
	}
	p.leave()
}

// expelLocked takes a waiting permit out of its line, gives its tokens back, and
// wakes it with err.
func (s *scheduler) expelLocked(p *permit, err error, now time.Duration) {
	st := p.stations[p.passed]
	st.remove(p)
	s.restoreLocked(p, now)
	s.refuseLocked(p, err, now)
	p.grant(err)
	s.woken = append(s.woken, st) // its timer may have been set for p
}

// estimate returns how long a request with the claim, and ctx's priority and flow,
// would wait if it arrived now.
func (s *scheduler) estimate(ctx context.Context, c *Claim) time.Duration {
	s.lock()
	defer s.unlock()
	now := s.now()
	p := &permit{terms: termsOf(ctx), route: s.newRouteLocked(c, now, false)}
	at, _ := p.earliestLocked(now)
	p.leave()
	return at - now
}

// takeRetry reports whether the retry budget allows one more retry of a failure, and
// if so takes it.
func (s *scheduler) takeRetry() bool {
	s.lock()
	defer s.unlock()
	now := s.now()
	return s.retries.Retry(now, s.history.Sent(now, retrybudget.Memory))
}

// observe adds observers.
func (s *scheduler) observe(observers []*Observer) {
	s.lock()
	defer s.unlock()
	s.observers = append(s.observers[:len(s.observers):len(s.observers)], observers...)
}

// close refuses all waiting and all later requests. Permits in flight can still be
// settled.
func (s *scheduler) close() error {
	s.lock()
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
