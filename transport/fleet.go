package transport

import (
	"slices"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
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

	common  []*station     // windows of limits that are not private: every exchange names them
	due     []*station     // windows that the Budget must hear of
	checks  checkQueue     // private windows, by when they have a token to give back
	blocks  []*endpoint    // that the Budget has not been told of
	foreign []foreignBlock // what the last answer said

	leaseEnd   time.Duration // what is owned may be spent until then
	exchanging []*station    // in the exchange under way; nil: there is none
	telling    []*endpoint   // the blocks in it
	reports    int           // how many there were
	nextAt     time.Duration // when the next one is due, or never
	timer      *time.Timer
	err        error         // why nothing may go on
	retryAt    time.Duration // until when not to try again
	answerErr  error         // why the Budget could not be reached
	since      time.Duration // when it was first away, or back
	closed     bool
	left       chan struct{} // closed when the Budget knows that the program has left
}

const (
	maxPerExchange = 64 // limits in one exchange
	retryDelay     = 100 * time.Millisecond
	leaveTimeout   = time.Second // to tell the Budget that the program leaves
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
	case !sh.valid(now) && f.err != nil && now < f.retryAt:
		f.s.expelUnavailableLocked(st, f.err, now)
	case !sh.valid(now), sh.undenied(st):
		sh.recheck = true
		fallthrough
	case sh.keep == 0 && st.owned() < sh.reportedOwned: // what has come back may be ours again
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
	if st.limit.Private && st.share.checkAt == never {
		f.checks.push(st, now+st.period())
	}
}

// blockedLocked has the other programs hear of a block.
func (f *fleet) reportBlockLocked(ep *endpoint, now time.Duration) {
	if !slices.Contains(f.blocks, ep) {
		f.blocks = append(f.blocks, ep)
	}
	f.wantLocked(now, now)
}

// wantLocked has an exchange start at a moment, or earlier.
func (f *fleet) wantLocked(at, now time.Duration) {
	if f.closed || f.nextAt != never && f.nextAt <= at {
		return
	}
	f.nextAt = max(at, 1)
	switch {
	case f.exchanging != nil: // its end sees to the next
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

// soonest returns when the Budget may be asked again.
func (f *fleet) soonest(now time.Duration) time.Duration { return max(f.nextAt, now+1) }

// deciding reports whether an exchange is about to tell if a token can be had here.
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
