package transport

import (
	"context"
	"slices"
	"time"
)

// start makes an exchange, unless one is in flight: that will schedule the next.
func (f *fleet) start() {
	s := f.s
	s.lock()
	now := s.now()
	if f.closed || f.exchanging != nil || f.nextAt == never {
		s.unlock()
		return
	}
	f.nextAt = never
	report := f.reportLocked(now)
	s.unlock()
	f.exchange(report, now)
}

// exchange makes one exchange and applies its answer.
func (f *fleet) exchange(report *Report, began time.Duration) {
	answer, err := f.member.Exchange(context.Background(), report)
	s := f.s
	s.lock()
	now := s.now()
	asked := f.exchanging
	f.exchanging = nil
	for _, ep := range f.reporting {
		if (err != nil || answer.Err != nil || answer.Incomplete) && ep.block.Closed(now) && !slices.Contains(f.blocks, ep) {
			f.blocks = append(f.blocks, ep) // report them again
		}
	}
	if f.closed {
		final := f.finalLocked(now)
		s.unlock()
		f.sendFinal(final)
		return
	}
	if err != nil {
		f.failedLocked(asked, err, now)
	} else {
		f.answeredLocked(asked, answer, began, now)
	}
	s.drainLocked(now)
	f.recheckLocked(asked, now)
	s.drainLocked(now)
	if f.nextAt != never {
		at := f.nextAt
		f.nextAt = never
		f.wantLocked(max(at, now), now)
	}
	s.unlock()
}

// reportLocked makes a report of the windows that are due.
func (f *fleet) reportLocked(now time.Duration) *Report {
	for st := f.checks.pop(now); st != nil; st = f.checks.pop(now) {
		f.dueLocked(st)
	}
	room := len(f.due) <= maxPerExchange/2 // for the common ones
	if room {
		for _, st := range f.common {
			if st.owned() > 0 || st.waiting() > 0 {
				f.dueLocked(st)
			}
		}
	}
	n := min(len(f.due), maxPerExchange)
	f.exchanging = append(make([]*station, 0, n), f.due[:n]...)
	f.due = append(f.due[:0], f.due[n:]...)
	f.reports++
	// A private window that is to be checked later has spent tokens.
	r := &Report{Limits: make([]Usage, n), Complete: room && len(f.due) == 0 && len(f.checks.heap) == 0}
	for i, st := range f.exchanging {
		sh := st.share
		sh.due, sh.exchanging = false, true
		sh.reported = sh.waitingClasses(st)
		free := st.window.Free(now) // first: some may leave as they come back
		owned, period := st.window.Limit()
		if free > 0 && owned > sh.keep && sh.valid(now) {
			owned -= min(free, owned-sh.keep)
			st.window.Resize(owned, period)
		}
		sh.reportedOwned = owned
		r.Limits[i] = Usage{Limit: st.limit, Owned: owned, Need: sh.need(st, now)}
		if st.reserve != nil {
			r.Limits[i].Reserve = f.s.cfg.reserveOf(st.limit).classes()
		}
	}
	f.reporting, f.blocks = f.blocks, nil // blocks from now on go into the next report
	for _, ep := range f.reporting {
		if left := ep.block.Until() - now; left > 0 {
			r.Blocks = append(r.Blocks, Block{Key: ep.key, For: left})
		}
	}
	return r
}

// leave gives back all free tokens. Spent ones return to the others when the program
// counts as dead.
func (f *fleet) leave() error {
	s := f.s
	s.lock()
	f.closed = true
	if f.timer != nil {
		f.timer.Stop()
	}
	busy := f.exchanging != nil
	var final *Report
	if !busy {
		final = f.finalLocked(s.now())
	}
	s.unlock()
	if !busy {
		go f.sendFinal(final)
	}
	late := time.NewTimer(leaveTimeout)
	defer late.Stop()
	select {
	case <-f.left:
	case <-late.C:
	}
	return nil
}

// finalLocked makes the report that keeps only the tokens still spent.
func (f *fleet) finalLocked(now time.Duration) *Report {
	r := &Report{Complete: true}
	for _, st := range f.s.windows.All() {
		owned := st.owned()
		switch {
		case owned == 0:
		case len(r.Limits) == maxPerExchange:
			r.Complete = false
		default:
			r.Limits = append(r.Limits, Usage{Limit: st.limit, Owned: owned - max(0, st.window.Free(now))})
		}
	}
	return r
}

func (f *fleet) sendFinal(final *Report) {
	if len(final.Limits) > 0 {
		_, _ = f.member.Exchange(context.Background(), final) // nothing depends on the last answer
	}
	close(f.left)
}
