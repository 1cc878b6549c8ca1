package clerktest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/internal/registry"
)

// A limiter counts arrivals on the rows of the table and keeps the blocks. It
// has no lock: the server's guards it.
type limiter struct {
	cfg  *config
	rows table

	buckets registry.Registry[*bucket]        // by row and scope
	most    map[*row]int                      // arrivals accepted in any one window of any one bucket
	blocks  registry.Registry[*time.Duration] // their ends, by call.key
}

// A table has the rows that calls of an operation draw on. Those that every
// Backend request draws on are at everyBackend.
type table map[operation][]*row

var everyBackend operation

type row struct {
	clerkthrottle.Limit
	id string
	of clerkthrottle.InstanceType // Auto: of every instance
}

type bucket struct {
	row   *row
	found time.Duration // when it was last looked for
	counter
	accepted window // whatever the algorithm, for MaxInWindow
}

// A verdict is what becomes of an arrival.
type verdict struct {
	accepted bool
	blocked  bool
	end      time.Duration // of the block, or when there is room again
}

func newLimiter(cfg *config, rows table) *limiter {
	return &limiter{
		cfg: cfg, rows: rows, most: map[*row]int{},
		// One of those that a call has just found must stay while others are added
		// for it. A fixed window that is forgotten forgets where its edges were.
		buckets: registry.New(func(b *bucket, now time.Duration) bool {
			return b.found < now && b.accepted.size(now) == 0
		}),
		blocks: registry.New(func(end *time.Duration, now time.Duration) bool { return *end <= now }),
	}
}

// newTable makes a table of the documented limits, or of others in their place.
// Even then the router knows the documented operations: some are spelled as in no
// description of the API.
func newTable(r *router, others []clerkthrottle.Limit) table {
	t := table{}
	for _, of := range []clerkthrottle.InstanceType{clerkthrottle.Development, clerkthrottle.Production} {
		t.add(r, of, clerkthrottle.Limits(of))
	}
	if others != nil {
		clear(t)
		t.add(r, clerkthrottle.Auto, others)
	}
	return t
}

func (t table) add(r *router, of clerkthrottle.InstanceType, limits []clerkthrottle.Limit) {
	for i, l := range limits {
		row := &row{l, fmt.Sprint(of, i), of}
		if l.Operations == nil {
			t[everyBackend] = append(t[everyBackend], row)
		}
		for _, op := range l.Operations {
			o := r.operation(op, l.Scope)
			if !slices.Contains(t[o], row) {
				t[o] = append(t[o], row)
			}
		}
	}
}

// admit decides on a request that arrives now, and counts it if it is accepted.
func (l *limiter) admit(now time.Duration, c *call) verdict {
	if end, ok := l.blocks.Get(c.key()); ok && now < *end {
		return verdict{blocked: true, end: *end}
	}
	buckets := l.matching(now, c)
	var wait time.Duration
	for _, b := range buckets {
		wait = max(wait, b.wait(now))
	}
	if wait == 0 {
		for _, b := range buckets {
			b.take(now)
			b.accepted.add(now)
			l.most[b.row] = max(l.most[b.row], b.accepted.size(now))
		}
		return verdict{accepted: true}
	}
	if l.cfg.blockTime > 0 {
		wait = l.cfg.blockTime
	}
	return verdict{end: now + wait}
}

// matching returns the buckets that the call draws on.
func (l *limiter) matching(now time.Duration, c *call) []*bucket {
	rows := l.rows[c.operation]
	if !c.frontend && c.endpoint != jwks {
		rows = slices.Concat(l.rows[everyBackend], rows)
	}
	var buckets []*bucket
	for _, r := range rows {
		if r.of == clerkthrottle.Auto || r.of == c.instanceType {
			buckets = append(buckets, l.bucket(now, r, c))
		}
	}
	return buckets
}

func (l *limiter) bucket(now time.Duration, r *row, c *call) *bucket {
	key := r.id + "\x00" + c.instance
	switch r.Scope {
	case clerkthrottle.PerResource:
		key += "\x00" + strings.Join(c.params, "\x00")
	case clerkthrottle.PerAddress:
		key = r.id + "\x00" + c.address
	}
	b, ok := l.buckets.Get(key)
	if !ok {
		b = &bucket{row: r, found: now, accepted: window{w: r.Window}}
		b.counter = newCounter(l.cfg, r.N, &b.accepted)
		l.buckets.Add(key, b, now)
	}
	b.found = now
	return b
}

// block holds an endpoint until end, or longer if it is held longer already.
func (l *limiter) block(now, end time.Duration, c *call) {
	if held, ok := l.blocks.Get(c.key()); ok {
		*held = max(*held, end)
		return
	}
	l.blocks.Add(c.key(), &end, now)
}
