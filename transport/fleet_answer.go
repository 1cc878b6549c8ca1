package transport

import (
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
)

// failedLocked handles a failed exchange: owned tokens may be spent until the lease
// ends, and after that nothing may be sent.
func (f *fleet) failedLocked(asked []*station, err error, now time.Duration) {
	f.err, f.retryAt = err, now+retryDelay
	for _, st := range asked {
		f.dueLocked(st)
	}
	for _, st := range f.s.windows.All() {
		if !st.share.valid(now) && st.waiting() > 0 {
			f.s.expelUnavailableLocked(st, err, now)
		}
	}
	f.wantLocked(f.retryAt, now)
}

// answeredLocked applies an answer.
func (f *fleet) answeredLocked(asked []*station, a *Answer, began, now time.Duration) {
	f.err = nil
	if (a.Err == nil) != (f.answerErr == nil) {
		f.since = now
	}
	f.answerErr = a.Err
	if lapsed := began >= f.leaseEnd; lapsed || a.Incomplete {
		for _, st := range f.s.windows.All() {
			if sh := st.share; st.owned() > 0 && (a.Incomplete || !sh.exchanging) {
				sh.confirmed = sh.confirmed && !lapsed
				if a.Incomplete && sh.until == 0 { // no later lease covers tokens that the Budget does not know of
					sh.until = f.leaseEnd
				}
				f.dueLocked(st)
			}
		}
	}
	f.leaseEnd = began + a.Lease
	next := a.Next
	for i, st := range asked {
		if i < len(a.Shares) {
			f.applyShareLocked(st, &a.Shares[i], now)
			if !a.Incomplete {
				st.share.until = 0
			}
		}
		if a.Err != nil { // the report may be lost: repeat it
			f.dueLocked(st)
		} else if st.waiting() > 0 || st.share.keep < st.owned() {
			soon := max(st.period()/8, retryDelay/4)
			next = min(next, soon)
			if st.limit.Private && st.waiting() > 0 && st.share.checkAt == never { // exchanges do not name it regularly
				f.checks.push(st, now+min(soon, a.Next))
			}
		}
	}
	if a.Err == nil {
		if !a.Incomplete {
			f.applyBlocksLocked(a.Blocks, now)
		}
		if len(f.due) > 0 || len(f.blocks) > 0 {
			next = 0
		}
	}
	if len(f.checks.heap) > 0 {
		next = min(next, max(f.checks.first()-now, a.Next/4))
	}
	if a.Recovering || len(asked) > 0 || len(f.due) > 0 || len(f.checks.heap) > 0 {
		f.wantLocked(now+next, now)
	}
}

// applyShareLocked resizes a window to what an answer says.
func (f *fleet) applyShareLocked(st *station, to *Share, now time.Duration) {
	sh := st.share
	if to.Part < st.owned()+sh.spare {
		sh.recheck = true
	}
	st.window.Resize(to.Owned, to.Window)
	st.window.Keep(to.Keep)
	sh.reportedOwned, sh.keep, sh.spare, sh.confirmed = to.Owned, to.Keep, max(0, to.Part-to.Owned), true
	if st.reserve != nil {
		st.reserve = reserveFrom(to.Reserve)
	}
	if st.limit.Private && to.Owned > 0 && sh.checkAt == never {
		f.checks.push(st, max(st.window.When(now, 0, 0, 0), now+st.period()/8))
	}
	f.s.wakeLocked(st)
}

// recheckLocked looks for waiters that got no token from an answer, once it has been
// applied: it refuses those that would wait too long, and notes the others' classes
// as denied, so that they do not ask again at once.
func (f *fleet) recheckLocked(asked []*station, now time.Duration) {
	for _, st := range asked {
		sh := st.share
		for class := range sh.denied {
			sh.denied[class] = sh.reported[class] && (st.line != nil && st.line.LenOf(class) > 0 || f.s.cfg.DryRun && st.window.Free(now) < 0)
		}
		recheck := sh.recheck
		sh.exchanging, sh.recheck = false, sh.due
		if st.line != nil && recheck {
			f.s.expelLateLocked(st, now, func(p *permit, ahead int) time.Duration {
				at := p.whenLocked(st, now, ahead)
				if p.late { // do not count the time that the exchange took
					p.until = max(p.until, now)
					if p.reports < f.reports || !sh.due {
						at = max(at, f.soonest(now))
					}
				}
				return at
			})
		}
	}
}

// applyBlocksLocked closes the gates of endpoints that other programs found blocked.
func (f *fleet) applyBlocksLocked(blocks []Block, now time.Duration) {
	f.foreign = make(map[string]time.Duration, len(blocks))
	for _, b := range blocks {
		f.foreign[b.Key] = now + b.For
		if ep, ok := f.s.endpoints.Get(b.Key); ok {
			f.s.applyForeignBlockLocked(ep, now)
		}
	}
}

// applyForeignBlockLocked closes an endpoint's gate if another program found it
// blocked. A block that ends less than blockNoise later than ours is the same one: the
// difference is the time it took to be relayed.
func (s *scheduler) applyForeignBlockLocked(ep *endpoint, now time.Duration) {
	if s.fleet == nil {
		return
	}
	before, until := ep.block.Until(), s.fleet.foreign[ep.key]
	if until > max(now, before+blockNoise) {
		ep.block.Close(now, until-now)
		s.blockMovedLocked(ep, before, now)
		s.fleet.blocks = slices.DeleteFunc(s.fleet.blocks, func(e *endpoint) bool { return e == ep })
	}
}

// expelUnavailableLocked refuses all waiters at a station whose tokens may not be
// spent.
func (s *scheduler) expelUnavailableLocked(st *station, err error, now time.Duration) {
	for st.line != nil {
		p := st.line.Front(queue.Classes).Who
		s.expelLocked(p, p.unavailableError(err), now)
	}
}
