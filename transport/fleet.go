package transport

import (
	"context"
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
)

// fleet is the scheduler's side of a [Budget]: it knows which windows consist of
// tokens that this program owns, and when there is something to exchange. One
// exchange is under way at a time, off the lock. Everything in it is guarded by the
// scheduler's lock.
//
// An exchange is due at once when somebody waits for a token who has not been told
// yet that there is none; and otherwise from time to time, to show that the program
// lives, and to have the shares follow what the programs need.
type fleet struct {
	s      *scheduler
	member Member

	common []*station // windows of limits that are not private: every exchange names them
	due    []*station // windows that the Budget must hear of
	back   lookouts   // private windows, by when they have a token to give back
	blocks []*endpoint
	known  []foreignBlock // what the last answer said

	lease   time.Duration // what is owned may be spent until then
	asking  []*station    // in the exchange under way; nil: there is none
	reports int           // how many there were
	at      time.Duration // when the next one is due, or never
	timer   *time.Timer
	err     error         // why nothing may go on
	errAt   time.Duration // until when not to try again
	away    error         // why the Budget could not be reached
	since   time.Duration // when it was first away, or back
	closed  bool
	left    chan struct{} // closed when the Budget knows that the program has left
}

const (
	maxAsking  = 64 // limits in one exchange
	retryAfter = 100 * time.Millisecond
	patience   = time.Second // to tell the Budget that the program leaves
)

type foreignBlock struct {
	key   string
	until time.Duration
}

func newFleet(s *scheduler, m Member) *fleet {
	return &fleet{s: s, member: m, left: make(chan struct{})}
}

// share turns a window into one whose tokens are the Budget's.
func (f *fleet) share(st *station) {
	st.share = &share{fleet: f, spare: st.limit.N}
	st.window.Resize(0, st.limit.Window)
	if !st.limit.Private {
		f.common = append(f.common, st)
	}
}

// askLocked sees to it that the Budget hears of those who wait at a station, at
// once if it has not denied them a token already.
func (f *fleet) askLocked(st *station, now time.Duration) {
	sh := st.share
	switch {
	case f.closed:
	case !sh.valid(now) && f.err != nil && now < f.errAt:
		f.s.expelUnavailableLocked(st, f.err, now)
	case !sh.valid(now), sh.news(st):
		sh.hoped = true
		fallthrough
	case sh.keep == 0 && st.owned() < sh.owned: // what has come back may be ours again
		f.dueLocked(st)
		f.wantLocked(now, now)
	}
}

// dueLocked has the next exchange name a window.
func (f *fleet) dueLocked(st *station) {
	if !st.share.due {
		st.share.due = true
		f.due = append(f.due, st)
	}
}

// settledLocked notes when a private window will have a token to give back.
func (f *fleet) settledLocked(st *station, now time.Duration) {
	if st.limit.Private && st.share.backAt == never {
		f.back.push(st, now+st.period())
	}
}

// blockedLocked has the other programs hear of a block.
func (f *fleet) blockedLocked(ep *endpoint, now time.Duration) {
	if !slices.Contains(f.blocks, ep) {
		f.blocks = append(f.blocks, ep)
	}
	f.wantLocked(now, now)
}

// wantLocked has an exchange start at a moment, or earlier.
func (f *fleet) wantLocked(at, now time.Duration) {
	switch {
	case f.closed || f.at != never && f.at <= at:
		return
	case f.timer == nil:
		f.at = max(at, 1)
		f.timer = time.AfterFunc(at-now, f.start)
	default:
		f.at = max(at, 1)
		f.timer.Reset(at - now)
	}
}

// start is what the timer does: it begins an exchange, unless one is under way,
// which will look after the next.
func (f *fleet) start() {
	s := f.s
	s.mu.Lock()
	now := s.now()
	if f.closed || f.asking != nil || f.at == never {
		s.unlock()
		return
	}
	f.at = never
	report := f.reportLocked(now)
	s.unlock()
	f.exchange(report, now)
}

// exchange makes one exchange and heeds its answer.
func (f *fleet) exchange(report *Report, began time.Duration) {
	answer, err := f.member.Exchange(context.Background(), report)
	s := f.s
	s.mu.Lock()
	now := s.now()
	asked := f.asking
	f.asking = nil
	if f.closed {
		final := f.finalLocked(now)
		s.unlock()
		f.farewell(final)
		return
	}
	if err != nil {
		f.failedLocked(asked, err, now)
	} else {
		f.answeredLocked(asked, report, answer, began, now)
	}
	s.drainLocked(now)
	f.shortLocked(asked, now)
	s.drainLocked(now)
	if f.at != never {
		at := f.at
		f.at = never
		f.wantLocked(max(at, now), now)
	}
	s.unlock()
}

// reportLocked takes what is due into a report.
func (f *fleet) reportLocked(now time.Duration) *Report {
	for st := f.back.pop(now); st != nil; st = f.back.pop(now) {
		f.dueLocked(st)
	}
	if len(f.due) <= maxAsking/2 {
		for _, st := range f.common {
			if st.owned() > 0 || st.waiting() > 0 {
				f.dueLocked(st)
			}
		}
	}
	n := min(len(f.due), maxAsking)
	f.asking = append(make([]*station, 0, n), f.due[:n]...)
	f.due = append(f.due[:0], f.due[n:]...)
	f.reports++
	r := &Report{Limits: make([]Usage, n), Complete: len(f.due) == 0}
	for i, st := range f.asking {
		sh := st.share
		sh.due, sh.asking = false, true
		sh.told = sh.waiting(st)
		owned, period := st.window.Limit()
		if free := st.window.Free(now); free > 0 && owned > sh.keep && sh.valid(now) {
			owned -= min(free, owned-sh.keep)
			st.window.Resize(owned, period)
		}
		sh.owned = owned
		r.Limits[i] = Usage{Limit: st.limit, Owned: owned, Need: sh.need(st, now), Reserve: f.s.cfg.reserveOf(st.limit).classes()}
	}
	for _, ep := range f.blocks {
		if left := ep.block.Until() - now; left > 0 {
			r.Blocks = append(r.Blocks, Block{Key: ep.key, For: left})
		}
	}
	return r
}

// failedLocked heeds that an exchange came to nothing: what is owned holds as long
// as it was said to, and from then on nothing may go.
func (f *fleet) failedLocked(asked []*station, err error, now time.Duration) {
	f.err, f.errAt = err, now+retryAfter
	for _, st := range asked {
		f.dueLocked(st)
	}
	for _, st := range f.s.windows.All() {
		if !st.share.valid(now) && st.waiting() > 0 {
			f.s.expelUnavailableLocked(st, err, now)
		}
	}
	f.wantLocked(f.errAt, now)
}

// answeredLocked heeds an answer.
func (f *fleet) answeredLocked(asked []*station, report *Report, a *Answer, began, now time.Duration) {
	f.err = nil
	if (a.Err == nil) != (f.away == nil) {
		f.since = now
	}
	f.away = a.Err
	if lapsed := began >= f.lease; lapsed || a.Incomplete {
		for _, st := range f.s.windows.All() {
			if sh := st.share; st.owned() > 0 && (a.Incomplete || !sh.asking) {
				sh.confirmed = sh.confirmed && !lapsed
				if a.Incomplete && sh.until == 0 { // as long as the Budget does not know, no later lease is for this
					sh.until = f.lease
				}
				f.dueLocked(st)
			}
		}
	}
	f.lease = began + a.Lease
	next := a.Next
	for i, st := range asked {
		if i < len(a.Shares) {
			f.heedLocked(st, &a.Shares[i], now)
			if !a.Incomplete {
				st.share.until = 0
			}
		}
		if a.Err != nil { // whatever became of it, tell it again
			f.dueLocked(st)
		} else if st.waiting() > 0 || st.share.keep < st.owned() {
			soon := max(st.period()/8, retryAfter/4)
			next = min(next, soon)
			if st.limit.Private && st.waiting() > 0 && st.share.backAt == never { // no exchange names it by itself
				f.back.push(st, now+min(soon, a.Next))
			}
		}
	}
	if a.Err == nil {
		f.blocks = f.blocks[:0]
		f.heedBlocksLocked(a.Blocks, now)
		if len(f.due) > 0 {
			next = 0
		}
	}
	if len(f.back.heap) > 0 {
		next = min(next, max(f.back.first()-now, a.Next/4))
	}
	if len(asked) > 0 || len(f.due) > 0 || len(f.back.heap) > 0 {
		f.wantLocked(now+next, now)
	}
}

// heedLocked gives a window the size that an answer told.
func (f *fleet) heedLocked(st *station, to *Share, now time.Duration) {
	sh := st.share
	if to.Part < st.owned()+sh.spare {
		sh.hoped = true
	}
	st.window.Resize(to.Owned, to.Window)
	st.window.Keep(to.Keep)
	sh.owned, sh.keep, sh.spare, sh.confirmed = to.Owned, to.Keep, max(0, to.Part-to.Owned), true
	if st.reserve != nil {
		st.reserve = reserveFrom(to.Reserve)
	}
	if st.limit.Private && to.Owned > 0 && sh.backAt == never {
		f.back.push(st, max(st.window.When(now, 0, 0, 0), now+st.period()/8))
	}
	f.s.wakeLocked(st)
}

// shortLocked looks, after all have got what an answer brought, at who is still
// short of a token: those who would wait too long are told at once, and the others
// need not ask again for a while.
func (f *fleet) shortLocked(asked []*station, now time.Duration) {
	for _, st := range asked {
		sh := st.share
		for class := range sh.short {
			sh.short[class] = sh.told[class] && (st.line != nil && st.line.LenOf(class) > 0 || f.s.cfg.DryRun && st.window.Free(now) < 0)
		}
		hoped := sh.hoped
		sh.asking, sh.hoped = false, sh.due
		if st.line != nil && hoped {
			f.s.expelLateLocked(st, now, func(p *permit, ahead int) time.Duration {
				at := p.whenLocked(st, now, ahead)
				if p.late { // what the exchange took does not count
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

// soonest returns when the Budget may be asked again.
func (f *fleet) soonest(now time.Duration) time.Duration { return max(f.at, now+1) }

// heedBlocksLocked closes the gates that other programs found blocked. A moment more
// than is known here is the time that the news was on its way.
func (f *fleet) heedBlocksLocked(blocks []Block, now time.Duration) {
	f.known = f.known[:0]
	for _, b := range blocks {
		f.known = append(f.known, foreignBlock{b.Key, now + b.For})
		if ep, ok := f.s.endpoints.Get(b.Key); ok {
			f.s.blockedElsewhereLocked(ep, now)
		}
	}
}

// blockedElsewhereLocked closes an endpoint's gate if another program found it
// blocked. What is a moment more than is known here is the time that the news took.
func (s *scheduler) blockedElsewhereLocked(ep *endpoint, now time.Duration) {
	if s.fleet == nil {
		return
	}
	for _, b := range s.fleet.known {
		if before := ep.block.Until(); b.key == ep.key && b.until > max(now, before+retryAfter) {
			ep.block.Close(now, b.until-now)
			s.closedGateLocked(ep, before, now)
			s.fleet.blocks = slices.DeleteFunc(s.fleet.blocks, func(e *endpoint) bool { return e == ep })
		}
	}
}

// expelUnavailableLocked refuses all who wait at a station whose tokens may not be
// spent.
func (s *scheduler) expelUnavailableLocked(st *station, err error, now time.Duration) {
	for st.line != nil {
		p := st.line.Front(queue.Classes).Who
		s.expelLocked(p, p.unavailableError(err), now)
	}
}

// deciding reports whether an exchange is about to tell if a token can be had here.
func (f *fleet) deciding(st *station) bool {
	if f == nil || st.share == nil || !st.share.due && !st.share.asking {
		return false
	}
	st.share.hoped = true
	return true
}

// leave gives back what is owned and free. What is spent comes back to the others
// once the program counts as dead.
func (f *fleet) leave() error {
	s := f.s
	s.mu.Lock()
	f.closed = true
	if f.timer != nil {
		f.timer.Stop()
	}
	busy := f.asking != nil
	var final *Report
	if !busy {
		final = f.finalLocked(s.now())
	}
	s.unlock()
	if !busy {
		go f.farewell(final)
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-f.left:
	case <-late.C:
	}
	return nil
}

// finalLocked reports what is still spent, and gives back the rest.
func (f *fleet) finalLocked(now time.Duration) *Report {
	r := &Report{Complete: true}
	for _, st := range f.s.windows.All() {
		if owned := st.owned(); owned > 0 && len(r.Limits) < maxAsking {
			r.Limits = append(r.Limits, Usage{Limit: st.limit, Owned: owned - max(0, st.window.Free(now))})
		}
	}
	return r
}

func (f *fleet) farewell(final *Report) {
	if len(final.Limits) > 0 {
		_, _ = f.member.Exchange(context.Background(), final) // it is the last: nothing depends on it
	}
	close(f.left)
}

func (f *fleet) snapshotLocked(now time.Duration) *FleetSnapshot {
	snap := &FleetSnapshot{Reached: f.away == nil && f.err == nil && f.lease > 0, Since: f.s.epoch.Add(f.since)}
	if err := f.away; err != nil {
		snap.Error = err.Error()
	} else if f.err != nil {
		snap.Error = f.err.Error()
	}
	return snap
}
