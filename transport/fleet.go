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

	common []*station     // windows of limits that are not private: every exchange names them
	due    []*station     // windows that the Budget must hear of
	back   lookouts       // private windows, by when they have a token to give back
	blocks []*endpoint    // that the Budget has not been told of
	known  []foreignBlock // what the last answer said

	lease   time.Duration // what is owned may be spent until then
	asking  []*station    // in the exchange under way; nil: there is none
	telling []*endpoint   // the blocks in it
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
	if f.closed || f.at != never && f.at <= at {
		return
	}
	f.at = max(at, 1)
	switch {
	case f.asking != nil: // its end sees to the next
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
func (f *fleet) soonest(now time.Duration) time.Duration { return max(f.at, now+1) }

// deciding reports whether an exchange is about to tell if a token can be had here.
func (f *fleet) deciding(st *station) bool {
	if f == nil || st.share == nil || !st.share.due && !st.share.asking {
		return false
	}
	st.share.hoped = true
	return true
}

func (f *fleet) snapshotLocked(now time.Duration) *snapshot.Fleet {
	snap := &snapshot.Fleet{Reached: f.away == nil && f.err == nil && f.lease > 0, Since: f.s.epoch.Add(f.since)}
	if err := f.away; err != nil {
		snap.Error = err.Error()
	} else if f.err != nil {
		snap.Error = f.err.Error()
	}
	return snap
}
