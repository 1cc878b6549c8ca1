package redisbudget

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget/internal/protocol"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

const (
	// A program that starts while Redis is away uses 1/firstShareDivisor of each
	// limit.
	firstShareDivisor = 10
	// While Redis is away, a program calls it after firstProbe, then at twice the
	// interval each time up to 1/probeDivisor of the in-flight bound, and waits
	// 1/awayWaitDivisor of the bound for its answer. 1/8 + 1/24 is the sixth of the
	// bound for which a program may go on after a failed call.
	firstProbe      = 100 * time.Millisecond
	probeDivisor    = 8
	awayWaitDivisor = 24
	// maxPending bounds the calls that have not returned yet, timed-out ones
	// included. Each holds a connection.
	maxPending = 8
	// maxTries bounds the calls of one exchange: one that learns of a new epoch, one
	// that learns that its id is taken, and the one that counts.
	maxTries = 3
)

var (
	errTimeout = errors.New("redisbudget: Redis did not answer in time")
	errHanging = errors.New("redisbudget: too many calls to Redis hang")
)

// member is one program's membership in a [Budget]. The scheduler calls it from one
// goroutine at a time.
type member struct {
	budget  *Budget
	id      string // of this program in Redis
	keys    [2]string
	session protocol.Session
	epoch   time.Time // now() counts from here
	pending chan struct{}

	answers  atomic.Bool // a call was answered since the last one began, in time or late
	failures int         // failed calls since the last that succeeded
	since    time.Time   // when the first of them failed
}

// Exchange implements [transport.Member].
func (m *member) Exchange(ctx context.Context, r *transport.Report) (*transport.Answer, error) {
	if m.epoch.IsZero() {
		m.epoch, m.pending = time.Now(), make(chan struct{}, maxPending)
	}
	began := time.Since(m.epoch)
	for range maxTries {
		now := time.Since(m.epoch)
		n := m.session.Next(now, m.budget.bound)
		reply, err := m.call(ctx, n, r)
		if err != nil {
			return m.withoutRedis(r, began, err)
		}
		switch reply.status {
		case statusEpoch:
			m.session.Enter(reply.epoch)
			if !r.Complete {
				m.reached()
				a := m.unchanged(r)
				a.Incomplete, a.Lease = true, m.session.Left(now, m.budget.bound)
				return a, nil
			}
		case statusStale: // a clone of this machine uses the same id
			m.id, m.session = newID(), protocol.Session{}
		default:
			m.session.Answered(n, now)
			m.reached()
			a := &transport.Answer{Shares: reply.shares, Blocks: reply.blocks, Lease: m.budget.bound, Next: m.budget.bound / 3}
			if reply.recovery > 0 {
				a.Recovering, a.Next = true, min(a.Next, reply.recovery+time.Millisecond)
			}
			return a, nil
		}
	}
	return m.withoutRedis(r, began, errors.New("redisbudget: Redis keeps losing its data"))
}

// call runs the script, bounded by a timer of its own: the client's timeouts may be
// long, and its contexts do not interrupt a read. A late answer is ignored. While
// Redis is away, call waits only so long that the next call comes before the lease of
// [protocol.Session.Alone] ends, unless Redis has shown that it answers.
func (m *member) call(ctx context.Context, n protocol.Number, r *transport.Report) (reply, error) {
	select {
	case m.pending <- struct{}{}:
	default:
		return reply{}, errHanging
	}
	keys, args := m.encode(n, r)
	type result struct {
		answer []any
		err    error
	}
	wait := m.budget.timeout
	if !m.answers.Swap(false) && m.failures > 0 {
		wait = min(wait, m.budget.bound/awayWaitDivisor)
	}
	done := make(chan result, 1)
	ctx, cancel := context.WithTimeout(ctx, m.budget.timeout)
	go func() {
		defer cancel()
		answer, err := script.Run(ctx, m.budget.rdb, keys, args...).Slice()
		m.answers.Store(err == nil)
		done <- result{answer, err}
		<-m.pending
	}()
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	select {
	case got := <-done:
		if got.err != nil {
			return reply{}, got.err
		}
		return decode(got.answer, len(r.Limits))
	case <-timeout.C:
		return reply{}, errTimeout
	}
}

// unchanged returns an answer that leaves the program what it owns.
func (m *member) unchanged(r *transport.Report) *transport.Answer {
	a := &transport.Answer{Shares: make([]transport.Share, len(r.Limits))}
	for i, u := range r.Limits {
		owned := u.Owned
		if !m.session.Known {
			owned = max(owned, (u.N+firstShareDivisor-1)/firstShareDivisor)
		}
		a.Shares[i] = transport.Share{Owned: owned, Part: owned, Keep: math.MaxInt32, Window: u.Window, Reserve: snapshot.Classes{
			Normal: min(u.Reserve.Normal, owned-1), Batch: min(u.Reserve.Batch, owned-1),
		}}
	}
	return a
}

// withoutRedis answers while Redis is away: the program goes on with the tokens that
// it owns, so that the total does not change, or with a guess if it never owned any.
// It sets when to call again, so that a program that was frozen meanwhile does not
// mistake Redis for still away.
func (m *member) withoutRedis(r *transport.Report, began time.Duration, err error) (*transport.Answer, error) {
	b := m.budget
	if m.failures == 0 {
		m.since = time.Now()
		b.logger.Warn("redisbudget: Redis is away", "err", err, "requests_go_on", b.fallback)
	}
	m.failures++
	if !b.fallback {
		return nil, err
	}
	a := m.unchanged(r)
	a.Err, a.Lease = err, m.session.Alone(began, b.bound)
	a.Next = min(firstProbe<<min(m.failures-1, 10), b.bound/probeDivisor)
	return a, nil
}

// reached records that Redis answered.
func (m *member) reached() {
	if m.failures > 0 {
		m.budget.logger.Info("redisbudget: Redis is back", "away_for", time.Since(m.since))
	}
	m.failures = 0
}
