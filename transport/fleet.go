package transport

import (
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// fleet is the scheduler's side of a [Budget]: it keeps the windows whose tokens the
// Budget hands out, and decides when to exchange. One exchange is in flight at a time,
// without the lock. The scheduler's lock guards everything in fleet.
//
// An exchange is due at once when a request waits for a token that the Budget has not
// denied it, and otherwise periodically, to show that the program is alive and to let
// the shares follow demand.
type fleet struct {
	s      *scheduler
	member Member

	common  []*station               // windows of limits that are not private: in every exchange
	due     []*station               // windows that the next exchange must name
	checks  checkQueue               // private windows, by when to look for tokens to give back
	blocks  []*endpoint              // for the next exchange
	foreign map[string]time.Duration // the ends of blocks in the last answer, by key

	leaseEnd   time.Duration // when owned tokens may no longer be spent
	exchanging []*station    // in the exchange in flight; nil: none is
	reporting  []*endpoint   // blocks in the exchange in flight
	reports    int           // how many were made
	nextAt     time.Duration // when the next exchange is due, or never
	timer      *time.Timer
	err        error         // of the last exchange: once the lease ends, nothing is sent
	retryAt    time.Duration // after err
	answerErr  error         // Answer.Err of the last answer: requests go on
	since      time.Duration // when answerErr last became or ceased to be nil
	closed     bool
	left       chan struct{} // closed after the final report
}

const (
	maxPerExchange = 64 // limits
	retryDelay     = 100 * time.Millisecond
	blockNoise     = 100 * time.Millisecond // by which two programs may differ about a block's end
	leaveTimeout   = time.Second            // for the final report
)

func newFleet(s *scheduler, m Member) *fleet {
	return &fleet{s: s, member: m, left: make(chan struct{})}
}

// share makes a window's tokens the Budget's.
func (f *fleet) share(st *station, keep bool) {
	st.share = &share{fleet: f, spare: st.limit.N}
	st.window.Resize(0, st.limit.Window)
	if keep && !st.limit.Private {
		f.common = append(f.common, st)
	}
}

// askLocked asks the Budget for tokens for the waiters at a station, at once unless it
// has already denied them.
func (f *fleet) askLocked(st *station, now time.Duration) {
	sh := st.share
	switch {
	case f.closed:
	case !sh.valid(now) && f.err != nil && now < f.retryAt:
		f.s.expelUnavailableLocked(st, f.err, now)
	case !sh.valid(now), sh.undenied(st):
		sh.recheck = true
		fallthrough
	case sh.keep == 0 && st.owned() < sh.reportedOwned: // the Budget may give back the tokens that left
		f.dueLocked(st)
		f.wantLocked(now, now)
	}
}

// dueLocked makes the next exchange name a window.
func (f *fleet) dueLocked(st *station) {
	if !st.share.due {
		st.share.due = true
		f.due = append(f.due, st)
	}
}

// settledLocked schedules a check of a private window for when it will have a token
// to give back.
func (f *fleet) settledLocked(st *station, now time.Duration) {
	if st.limit.Private && st.share.checkAt == never {
		f.checks.push(st, now+st.period())
	}
}

// reportBlockLocked tells the other programs of a block.
func (f *fleet) reportBlockLocked(ep *endpoint, now time.Duration) {
	if !slices.Contains(f.blocks, ep) {
		f.blocks = append(f.blocks, ep)
	}
	f.wantLocked(now, now)
}

// wantLocked schedules an exchange for at, or earlier.
func (f *fleet) wantLocked(at, now time.Duration) {
	if f.closed || f.nextAt != never && f.nextAt <= at {
		return
	}
	f.nextAt = max(at, 1)
	switch {
	case f.exchanging != nil: // when it ends it schedules the next
	case at <= now:
		if f.timer != nil {
			f.timer.Stop()
		}
		go f.start()
	case f.timer == nil:
		f.timer = time.AfterFunc(at-now, f.start)
	default:
		f.timer.Reset(at - now)
	}
}

// soonest returns when the Budget can next be asked.
func (f *fleet) soonest(now time.Duration) time.Duration { return max(f.nextAt, now+1) }

// deciding reports whether an exchange, in flight or due, will decide if st gets
// tokens.
func (f *fleet) deciding(st *station) bool {
	if f == nil || st.share == nil || !st.share.due && !st.share.exchanging {
		return false
	}
	st.share.recheck = true
	return true
}

func (f *fleet) snapshotLocked(now time.Duration) *snapshot.Fleet {
	snap := &snapshot.Fleet{Reached: f.answerErr == nil && f.err == nil && f.leaseEnd > 0, Since: f.s.epoch.Add(f.since)}
	if err := f.answerErr; err != nil {
		snap.Error = err.Error()
	} else if f.err != nil {
		snap.Error = f.err.Error()
	}
	return snap
}
