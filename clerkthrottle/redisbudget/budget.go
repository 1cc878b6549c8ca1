package redisbudget

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// firstPrograms is how many programs one takes the fleet to have that has never
// heard from Redis.
const firstPrograms = 10

// Budget is a [transport.Budget] that all programs share which give it the same
// name on the same Redis. It is safe for concurrent use. Use [New].
//
// Requests wait in lines of this program. One call to Redis at a time asks for
// all that wait, and tells what became of those that are over. Between calls one
// timer is set to the moment at which the next one is due.
type Budget struct {
	rdb   redis.Scripter
	cfg   *config
	epoch time.Time // now() counts from here, on the monotonic clock

	mu        sync.Mutex
	id        string // names this program in Redis
	endpoints kept[*endpoint]
	limits    kept[*limit]
	lines     kept[*line]
	active    []*line     // lines that are not empty
	owing     []*limit    // limits of which Redis must hear some time
	blocks    []*endpoint // gates of which Redis must hear now
	observers []*transport.Observer
	events    []func()     // for the observers, outside of the lock
	number    uint64       // of the latest lease
	look      uint64       // of the latest look at who waits
	passed    [classes]int // how often in a row a class was passed over
	programs  int          // most programs seen at once
	closed    bool
	quiet     chan struct{} // closed when a closed budget has told all it can; nil before

	call  *call // under way; nil: none
	seq   int64 // of the latest call
	given int   // calls that were given up and have not returned
	timer *time.Timer
	armed time.Duration // when timer fires; 0: it is not set

	away     bool // Redis is
	awayErr  error
	losses   int           // how often Redis went away
	since    time.Duration // away, or back, since then
	failures int           // calls that failed since Redis was there
	probeAt  time.Duration // when to look whether it is back
	mending  bool          // it is back, but not all of the fleet may be
}

// New returns a budget that is kept on Redis: a *redis.Client, *redis.ClusterClient
// or *redis.Ring, which stays the caller's to close. Nothing is sent before the
// first request. The error names the option that is wrong.
func New(rdb redis.Scripter, opts ...Option) (*Budget, error) {
	if rdb == nil {
		return nil, errors.New("redisbudget: the Redis client is nil")
	}
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	return &Budget{
		rdb:       rdb,
		cfg:       cfg,
		epoch:     time.Now(),
		id:        newID(),
		endpoints: newKept((*endpoint).idle),
		limits:    newKept((*limit).idle),
		lines:     newKept((*line).idle),
		programs:  firstPrograms,
	}, nil
}

func newID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails, by its documentation
	return hex.EncodeToString(id[:])
}

func (b *Budget) now() time.Duration { return time.Since(b.epoch) }

// redisKey names a limit or gate in Redis without telling its key.
func (b *Budget) redisKey(kind, key string) string {
	sum := sha256.Sum256([]byte(key))
	return b.cfg.prefix + ":{" + b.cfg.name + "}:" + kind + ":" + base64.RawURLEncoding.EncodeToString(sum[:12])
}

// Acquire implements [transport.Budget].
func (b *Budget) Acquire(ctx context.Context, c *transport.Claim, maxWait time.Duration) (transport.Lease, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	l := &lease{budget: b, claim: c, granted: make(chan struct{})}
	if err := b.enter(ctx, l, maxWait); err != nil {
		return nil, err
	}
	if err := l.wait(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// enter puts l in line, or returns why it may not wait there.
func (b *Budget) enter(ctx context.Context, l *lease, maxWait time.Duration) error {
	b.mu.Lock()
	defer b.unlock()
	now := b.now()
	switch {
	case b.closed:
		return closedError(l.claim)
	case b.away && !b.cfg.fallback:
		return &UnavailableError{Endpoint: l.claim.Endpoint, Err: b.awayErr}
	}
	b.routeLocked(l, classOf(transport.PriorityOf(ctx)), now)
	l.boundBy(ctx, now, maxWait)
	ln := l.line
	if err := b.refusalLocked(l, now, ln.queue.Len()); err != nil {
		b.leaveLocked(l)
		return err
	}
	// Who finds the line's time known need not ask to be told.
	if l.looked = ln.notBefore > now; l.looked {
		l.held(now)
	}
	b.number++
	l.number, l.node.Value = b.number, l
	ln.queue.Push(&l.node)
	if !ln.active {
		ln.active = true
		b.active = append(b.active, ln)
	}
	if at := ln.notBefore; at > now {
		b.armLocked(at, now)
	} else if b.call == nil || b.away {
		b.turnLocked(now)
	}
	return nil
}

// Close implements [transport.Budget]. It tells Redis what it still has to tell,
// for which it waits at most twice the timeout of a call. The Redis client stays
// open.
func (b *Budget) Close() error {
	b.mu.Lock()
	if b.closed {
		b.unlock()
		return nil
	}
	b.closed = true
	for _, ln := range b.active {
		for ln.queue.Len() > 0 {
			l := ln.queue.Front().Value
			b.expelLocked(l, closedError(l.claim))
		}
	}
	quiet := make(chan struct{})
	b.quiet = quiet
	b.turnLocked(b.now())
	b.unlock()
	patience := time.NewTimer(2 * b.cfg.timeout)
	defer patience.Stop()
	select {
	case <-quiet:
	case <-patience.C:
	}
	return nil
}

func closedError(c *transport.Claim) error {
	return &transport.ThrottledError{Endpoint: c.Endpoint, Reason: transport.ReasonClosed}
}
