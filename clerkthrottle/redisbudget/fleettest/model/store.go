// Package model says in Go what the script does in Redis, for one limit and a few
// programs. The script is held to it, call by call, in fleettest; and this package's
// tests search what a small fleet can come to, with the session of the real programs:
// calls that are refused, lost, late, or carried out twice; programs that die, or are
// frozen; a Redis that goes away, loses everything, or evicts the limit, and whose
// clock steps. Time goes in ticks of a sixth of the in-flight bound.
//
//	go test ./model -run NoOrder -states 2500000 -v
//
// goes through all states of two programs and one token in which nothing fails (some
// two million, of up to 85 events), and through every order of the first events where
// something does; as many states as it is told for each fleet. What goes further is
// walked at random, and so is what protocols with a known defect come to: each
// defect is found.
//
// Not searched is what the README lists under "Where N does not hold", programs that
// disagree on the limit, and limits that are not kept; the fuzz tests and the random
// outages of fleettest have these.
package model

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget/internal/protocol"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/budgettest"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// Programs is how many programs there may be.
const Programs = 3

// Store is what Redis knows. Times are in any unit, by its own clock. It is
// comparable, so that states can be told apart.
type Store struct {
	Known    bool // it knows the budget at all
	Epoch    string
	Recovery int // until then nothing is granted
	Heard    int // when anybody was
	Base     int // since when everybody could have been
	Longest  int // window
	Cleaned  int // when the dead were looked for
	Program  [Programs]struct {
		Known      bool
		Seq, Heard int
	}
	Marked bool // the limit is known to exist
	Limit  struct {
		Known        bool
		Epoch        string
		Held, Window int
		Record       [Programs]Record
	}
}

// Record is what a program told, and owns, of the limit.
type Record struct {
	Known            bool
	Owned, N, Window int
	Need             snapshot.Classes
	Reserve          snapshot.Classes
}

// Call is what a program says.
type Call struct {
	Program int
	protocol.Number
	Ago   int // Number's, in the unit of the store
	Bound int
	Seed  string // of a new epoch
	Named bool   // the limit is in it
	Told  Record
}

// Reply is what the store says.
type Reply struct {
	Status   string
	Epoch    string
	Recovery int
	Share    transport.Share // its Window in the unit of the store
}

// Do carries a call out.
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
	if c.Named && s.Marked && !s.Limit.Known { // it was evicted
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

// share takes what a program tells of the limit, and divides it.
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
