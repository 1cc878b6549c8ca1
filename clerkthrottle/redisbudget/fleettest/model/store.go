// Package model is a model in Go of what the script does in Redis, for one limit and
// a few programs. Package fleettest checks the script against it, call by call. This
// package's tests search the states that a small fleet can reach, with the session of
// the real programs: calls that are refused, lost, late, or executed twice; programs
// that die or freeze; a Redis that goes away, loses everything or evicts the limit,
// and whose clock steps. A tick of time is a sixth of the in-flight bound.
//
//	go test ./model -run NoOrder -states 2500000 -v
//
// searches all states of two programs and one token without failures (some two
// million, of up to 85 events), and every order of the first events with failures;
// -states bounds the states of each search. Beyond that, random walks go further. The
// walks also find each of a list of known protocol defects.
//
// Not searched are the cases that the README lists under "Where N does not hold",
// programs that disagree on the limit, and private limits; fleettest's fuzz tests and
// random outages cover these.
package model

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget/internal/protocol"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/budgettest"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// Programs is the number of programs.
const Programs = 3

// Store is the state in Redis. Times are in any unit, by Redis's own clock. It is
// comparable, so that states can be told apart.
type Store struct {
	Known    bool // Redis has the budget
	Epoch    string
	Recovery int // nothing is granted until then
	Heard    int // when any program was last heard
	Base     int // since when every program could have been heard
	Longest  int // longest window
	Cleaned  int // when dead programs were last removed
	Program  [Programs]struct {
		Known      bool
		Seq, Heard int
	}
	Marked bool // the limit was stored: if it is missing, it was evicted
	Limit  struct {
		Known        bool
		Epoch        string
		Held, Window int
		Record       [Programs]Record
	}
}

// Record is what a program reported of the limit, and how much of it it owns.
type Record struct {
	Known            bool
	Owned, N, Window int
	Need             snapshot.Classes
	Reserve          snapshot.Classes
}

// Call is a program's call.
type Call struct {
	Program int
	protocol.Number
	Ago   int // Number.Ago in the store's unit
	Bound int
	Seed  string // name of a new epoch, if one begins
	Named bool   // the call includes the limit
	Told  Record
}

// Reply is the store's reply.
type Reply struct {
	Status   string
	Epoch    string
	Recovery int
	Share    transport.Share // with Window in the store's unit
}

// Do executes a call.
func (s *Store) Do(now int, c Call) Reply {
	if !s.Known || now+c.Bound < s.Heard {
		return s.begin(now, c)
	}
	if c.Epoch != s.Epoch {
		return Reply{Status: "epoch", Epoch: s.Epoch, Recovery: max(0, s.Recovery-now)}
	}
	p := &s.Program[c.Program]
	switch {
	case p.Known && p.Seq >= int(c.Seq):
		return Reply{Status: "stale"}
	case c.Heard > 0 && p.Seq < int(c.Heard) && (p.Known || c.Ago < 2*c.Bound+s.Longest):
		return s.begin(now, c)
	}
	now = max(now, s.Heard)
	if c.Named && s.Marked && !s.Limit.Known { // evicted
		return s.begin(now, c)
	}
	if 2*(now-s.Heard) > c.Bound {
		s.Base = now
		if s.Recovery > s.Heard {
			s.Recovery = now + c.Bound
		}
	}
	s.Heard = now
	r := Reply{Status: "ok", Epoch: s.Epoch, Recovery: max(0, s.Recovery-now)}
	if c.Named {
		r.Share = s.share(now, c)
	}
	if now-s.Cleaned > c.Bound {
		s.Cleaned = now
		for i := range s.Program {
			if q := &s.Program[i]; q.Known && now-max(q.Heard, s.Base) > 2*c.Bound+s.Longest {
				q.Known, q.Seq, q.Heard = false, 0, 0
			}
		}
	}
	p.Known, p.Seq, p.Heard = true, int(c.Seq), now
	return r
}

// begin begins a new epoch.
func (s *Store) begin(now int, c Call) Reply {
	longest, limit := s.Longest, s.Limit
	*s = Store{Known: true, Epoch: c.Seed, Recovery: now + c.Bound, Heard: now, Base: now, Longest: longest, Cleaned: now, Limit: limit}
	return Reply{Status: "epoch", Epoch: c.Seed, Recovery: c.Bound}
}

// share records what a program reports of the limit, and returns its share.
func (s *Store) share(now int, c Call) transport.Share {
	l, told, recovering := &s.Limit, c.Told, now < s.Recovery
	if l.Epoch != s.Epoch {
		l.Epoch, l.Held, l.Window, l.Record = s.Epoch, 0, 0, [Programs]Record{}
	}
	switch mine := l.Record[c.Program]; {
	case mine.Known:
		told.Owned = min(told.Owned, mine.Owned)
	case !recovering:
		told.Owned = 0
	}
	told.Known = true
	gave := told.Owned < l.Record[c.Program].Owned
	l.Record[c.Program] = told
	var all []transport.Usage
	me := 0
	for i := range l.Record {
		r := &l.Record[i]
		if !r.Known {
			continue
		}
		need := r.Need
		if i == c.Program {
			me = len(all)
		} else {
			silent := now - max(s.Program[i].Heard, s.Base)
			if !s.Program[i].Known || silent > c.Bound+r.Window {
				*r = Record{}
				continue
			}
			if silent > c.Bound {
				need = snapshot.Classes{}
			}
		}
		limit := &transport.Limit{N: r.N, Window: time.Duration(r.Window)}
		all = append(all, transport.Usage{Limit: limit, Owned: r.Owned, Need: need, Reserve: r.Reserve})
	}
	d := budgettest.Divide(all)
	window := int(d.Window)
	if l.Window > 0 && window > l.Window {
		l.Held = now + window
	}
	l.Window, l.Known, s.Marked, s.Longest = window, true, true, max(s.Longest, told.Window)
	share := d.Share(me, gave, !recovering && now >= l.Held)
	l.Record[c.Program].Owned = share.Owned
	return share
}
