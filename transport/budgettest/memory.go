package budgettest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Memory is a [transport.Budget] in memory: the least that one has to do, for tests
// of programs that share one. The zero value is empty and ready to use. Members
// live as long as the Memory, and it never fails.
type Memory struct {
	mu     sync.Mutex
	limits map[string]*pool
	blocks map[string]time.Time
	calls  int
}

// pool is the tokens of one limit.
type pool struct {
	members []*member
	told    []transport.Usage // what each told last, and owns now
	held    time.Time         // nothing is handed out before
}

type member struct{ memory *Memory }

// Join implements [transport.Budget].
func (m *Memory) Join() transport.Member { return &member{m} }

// Exchanges returns how many there were so far.
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
		p := m.limits[u.Key]
		if p == nil {
			p = new(pool)
			m.limits[u.Key] = p
		}
		a.Shares = append(a.Shares, p.share(me, u, now))
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

// share takes what a member tells, and returns its share.
func (p *pool) share(me *member, u transport.Usage, now time.Time) transport.Share {
	_, before := p.terms()
	i := slices.Index(p.members, me)
	if i < 0 {
		i = len(p.members)
		p.members, p.told = append(p.members, me), append(p.told, u)
	}
	gave := u.Owned < p.told[i].Owned
	limit := *u.Limit // the caller's to change
	u.Limit = &limit
	p.told[i] = u
	n, window := p.terms()
	if before > 0 && window > before { // what was given back is not free for as long as that
		p.held = now.Add(window)
	}
	var reserve transport.Classes
	var programs []Holding
	mine := 0
	for k, t := range p.told {
		reserve.Normal, reserve.Batch = max(reserve.Normal, t.Reserve.Normal), max(reserve.Batch, t.Reserve.Batch)
		if k == i {
			mine = len(programs)
		}
		if t.Owned > 0 || t.Need != (transport.Classes{}) || k == i {
			programs = append(programs, Holding{t.Owned, t.Need})
		}
	}
	d := Divide(n, reserve, u.Private, programs)
	s := d.Share(mine, gave, !now.Before(p.held))
	s.Window = window
	p.told[i].Owned = s.Owned
	return s
}

// terms are the strictest that any member tells: the fewest tokens and the longest
// window.
func (p *pool) terms() (n int, window time.Duration) {
	for i, u := range p.told {
		if i == 0 || u.N < n {
			n = u.N
		}
		window = max(window, u.Window)
	}
	return n, window
}
