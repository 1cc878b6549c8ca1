package budgettest

import (
	"context"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// Memory is a minimal [transport.Budget] in memory, for tests of programs that share
// one. The zero value is empty and ready to use. Members live as long as the Memory,
// and it never fails.
type Memory struct {
	mu     sync.Mutex
	limits map[string]*pool
	blocks map[string]time.Time
	calls  int
}

// pool holds the tokens of one limit.
type pool struct {
	reports map[*member]transport.Usage // the last report of each member, with what it owns now
	window  time.Duration
	held    time.Time // nothing is granted until then
}

type member struct{ memory *Memory }

// Join implements [transport.Budget].
func (m *Memory) Join() transport.Member { return &member{m} }

// Exchanges returns how many exchanges there have been.
func (m *Memory) Exchanges() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

// Exchange implements [transport.Member].
func (me *member) Exchange(_ context.Context, r *transport.Report) (*transport.Answer, error) {
	m := me.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.limits == nil {
		m.limits, m.blocks = make(map[string]*pool), make(map[string]time.Time)
	}
	m.calls++
	now := time.Now()
	a := &transport.Answer{Lease: time.Hour, Next: time.Second}
	for _, u := range r.Limits {
		if m.limits[u.Key] == nil {
			m.limits[u.Key] = &pool{reports: make(map[*member]transport.Usage)}
		}
		a.Shares = append(a.Shares, m.limits[u.Key].share(me, u, now))
	}
	for _, b := range r.Blocks {
		if until := now.Add(b.For); until.After(m.blocks[b.Key]) {
			m.blocks[b.Key] = until
		}
	}
	for key, until := range m.blocks {
		if left := until.Sub(now); left > 0 {
			a.Blocks = append(a.Blocks, transport.Block{Key: key, For: left})
		}
	}
	return a, nil
}

// share records a member's report and returns its share.
func (p *pool) share(me *member, u transport.Usage, now time.Time) transport.Share {
	gave := u.Owned < p.reports[me].Owned
	limit := *u.Limit // the caller may change it
	u.Limit = &limit
	told := []transport.Usage{u}
	for other, t := range p.reports {
		if other != me && (t.Owned > 0 || t.Need != snapshot.Classes{}) { // or it is idle, or gone
			told = append(told, t)
		}
	}
	d := Divide(told)
	if p.window > 0 && d.Window > p.window { // what was given back by the shorter window is not free yet
		p.held = now.Add(d.Window)
	}
	p.window = d.Window
	s := d.Share(0, gave, !now.Before(p.held))
	u.Owned = s.Owned
	p.reports[me] = u
	return s
}
