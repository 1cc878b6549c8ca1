package clerktest

import (
	"slices"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
)

// A limiter counts arrivals on the rows of the table and keeps the blocks. It
// has no lock: the server's guards it.
type limiter struct {
	cfg                     *config
	grid                    func(time.Duration) (time.Duration, bool)
	development, production *table

	buckets     map[bucketKey]*bucket
	sweepAt     int // number of buckets at which the idle ones are dropped
	blocks      map[blockKey]time.Duration
	sweepBlocks int
}

type table struct {
	rows []*row
	all  []*row               // those that every Backend request draws on
	some map[operation][]*row // the others
}

type row struct {
	clerkthrottle.Limit
	most int // arrivals accepted in any one window of any one bucket
}

type bucketKey struct {
	row   *row
	scope string
}

type bucket struct {
	row *row
	counter
	accepted window // the server's own check on its algorithm, for MaxInWindow
}

type blockKey struct{ owner, endpoint string }

// A verdict is what becomes of an arrival.
type verdict struct {
	accepted bool
	blocked  bool
	end      time.Duration // of the block, or when there is room again
}

const sweepSize = 1024

func newLimiter(cfg *config, r *router, development, production []clerkthrottle.Limit, grid func(time.Duration) (time.Duration, bool)) *limiter {
	return &limiter{
		cfg:         cfg,
		grid:        grid,
		development: newTable(r, development),
		production:  newTable(r, production),
		buckets:     map[bucketKey]*bucket{},
		sweepAt:     sweepSize,
		blocks:      map[blockKey]time.Duration{},
		sweepBlocks: sweepSize,
	}
}

func newTable(r *router, limits []clerkthrottle.Limit) *table {
	t := &table{some: map[operation][]*row{}}
	for _, l := range limits {
		row := &row{Limit: l}
		t.rows = append(t.rows, row)
		if l.Operations == nil {
			t.all = append(t.all, row)
		}
		for _, op := range l.Operations {
			o := r.operation(op, l.Scope)
			if !slices.Contains(t.some[o], row) {
				t.some[o] = append(t.some[o], row)
			}
		}
	}
	return t
}

// admit decides on a request that arrives now, and counts it if it is accepted.
func (l *limiter) admit(now time.Duration, c *call) verdict {
	key := blockKey{c.owner(), c.endpoint}
	if end, ok := l.blocks[key]; ok {
		if now < end {
			return verdict{blocked: true, end: end}
		}
		delete(l.blocks, key)
	}

	l.sweep(now) // before the buckets are looked up: it must not drop one that is in use
	var room [8]*bucket
	buckets := l.matching(room[:0], c)
	var wait time.Duration
	for _, b := range buckets {
		wait = max(wait, b.wait(now))
	}
	if wait == 0 {
		for _, b := range buckets {
			b.take(now)
			b.accepted.add(now)
			b.row.most = max(b.row.most, b.accepted.size(now))
		}
		return verdict{accepted: true}
	}
	if l.cfg.blockTime > 0 {
		wait = l.cfg.blockTime
	}
	return verdict{end: now + wait}
}

// matching appends the buckets that the call draws on.
func (l *limiter) matching(buckets []*bucket, c *call) []*bucket {
	t := l.development
	if c.production {
		t = l.production
	}
	if !c.frontend && c.endpoint != jwks {
		for _, r := range t.all {
			buckets = append(buckets, l.bucket(r, c))
		}
	}
	for _, r := range t.some[c.operation] {
		buckets = append(buckets, l.bucket(r, c))
	}
	return buckets
}

func (l *limiter) bucket(r *row, c *call) *bucket {
	key := bucketKey{row: r, scope: c.instance}
	switch r.Scope {
	case clerkthrottle.PerResource:
		key.scope += "\x00" + strings.Join(c.params, "\x00")
	case clerkthrottle.PerAddress:
		key.scope = c.address
	}
	b, ok := l.buckets[key]
	if !ok {
		b = &bucket{
			row:      r,
			counter:  newCounter(l.cfg.algorithm, r.N, r.Window, l.grid),
			accepted: window{w: r.Window},
		}
		l.buckets[key] = b
	}
	return b
}

// block holds an endpoint until end, or longer if it is held longer already.
func (l *limiter) block(now, end time.Duration, c *call) {
	if len(l.blocks) >= l.sweepBlocks {
		for k, e := range l.blocks {
			if e <= now {
				delete(l.blocks, k)
			}
		}
		l.sweepBlocks = max(sweepSize, 2*len(l.blocks))
	}
	key := blockKey{c.owner(), c.endpoint}
	l.blocks[key] = max(l.blocks[key], end)
}

// sweep drops idle buckets when there are many. A dropped fixed window forgets
// where its edges were.
func (l *limiter) sweep(now time.Duration) {
	if len(l.buckets) < l.sweepAt {
		return
	}
	for k, b := range l.buckets {
		if b.idle(now) && b.accepted.size(now) == 0 {
			delete(l.buckets, k)
		}
	}
	l.sweepAt = max(sweepSize, 2*len(l.buckets))
}

// maxInWindow reports on the rows of that name; ok is false if there is none.
func (l *limiter) maxInWindow(name string) (most int, ok bool) {
	for _, t := range []*table{l.development, l.production} {
		for _, r := range t.rows {
			if r.Name == name {
				most, ok = max(most, r.most), true
			}
		}
	}
	return most, ok
}
