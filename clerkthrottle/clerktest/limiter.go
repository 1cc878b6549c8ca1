package clerktest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/internal/registry"
)

// A limiter counts requests on the rows of the table and keeps the blocks. The
// server's lock guards it.
type limiter struct {
	cfg  *config
	rows table

	buckets     registry.Registry[*bucket]        // by row and scope
	maxInWindow map[*row]int                      // most requests accepted in any window of any bucket
	blocks      registry.Registry[*time.Duration] // ends of blocks, by call.key
}

// A table holds the rows that the calls of an operation count on. Those that every
// Backend request counts on are at everyBackend.
type table map[operation][]*row

var everyBackend operation

type row struct {
	clerkthrottle.Limit
	id string
	of clerkthrottle.InstanceType // Auto: both types
}

type bucket struct {
	row      *row
	lastUsed time.Duration // when it was last used
	counter
	accepted window // for MaxInWindow, with every algorithm
}

// A verdict is the limiter's decision on a request.
type verdict struct {
	accepted bool
	blocked  bool
	end      time.Duration // of the block, or when the limit has room again
}

func newLimiter(cfg *config, rows table) *limiter {
	return &limiter{
		cfg: cfg, rows: rows, maxInWindow: map[*row]int{},
		// The buckets that a call has just found must stay while others are added for
		// it. An evicted fixed window loses its edges.
		buckets: registry.New(func(b *bucket, now time.Duration) bool {
			return b.lastUsed < now && b.accepted.size(now) == 0
		}),
		blocks: registry.New(func(end *time.Duration, now time.Duration) bool { return *end <= now }),
	}
}

// newTable makes a table of the documented limits, or of others instead. In both
// cases it adds the operations of the documented limits to the router: some are not
// spelled as in Clerk's API descriptions.
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

// admit decides on a request that arrives now, and counts it if accepted.
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
			l.maxInWindow[b.row] = max(l.maxInWindow[b.row], b.accepted.size(now))
		}
		return verdict{accepted: true}
	}
	if l.cfg.blockTime > 0 {
		wait = l.cfg.blockTime
	}
	return verdict{end: now + wait}
}

// matching returns the buckets that the call counts on.
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
		b = &bucket{row: r, lastUsed: now, accepted: window{w: r.Window}}
		b.counter = newCounter(l.cfg, r.N, &b.accepted)
		l.buckets.Add(key, b, now)
	}
	b.lastUsed = now
	return b
}

// block blocks the call's endpoint until end; it never shortens a block.
func (l *limiter) block(now, end time.Duration, c *call) {
	if held, ok := l.blocks.Get(c.key()); ok {
		*held = max(*held, end)
		return
	}
	l.blocks.Add(c.key(), &end, now)
}
