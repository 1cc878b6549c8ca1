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
	// A program that starts while Redis is away goes by this part of each limit.
	firstShare = 10
	// While Redis is away, it is called after this long, then after twice as long, up
	// to an eighth of the in-flight bound, and given a twenty-fourth of the bound to
	// answer. Both together are the sixth for which a program may go on after a call
	// that failed.
	firstProbe = 100 * time.Millisecond
	probes     = 8
	awayWait   = 24
	// mostGivenUp bounds the calls that were given up and have not returned. Each
	// holds a connection.
	mostGivenUp = 8
	// tries bounds the calls of one exchange: one that is told another epoch, one
	// that is told that somebody else uses its id, and the one that counts.
	tries = 3
)

var (
	errTimeout = errors.New("redisbudget: Redis did not answer in time")
	errHanging = errors.New("redisbudget: too many calls to Redis hang")
)

// member is one program's part in a [Budget]. The scheduler calls it from one
// goroutine at a time.
type member struct {
	budget  *Budget
	id      string // names this program in Redis
	keys    [2]string
	session protocol.Session
	epoch   time.Time // now() counts from here
	givenUp chan struct{}

	answers  atomic.Bool // a call that was given up has been answered since the last one
	failures int         // calls that failed since Redis was there
	since    time.Time   // when the first of them did
}

// Exchange implements [transport.Member].
func (m *member) Exchange(ctx context.Context, r *transport.Report) (*transport.Answer, error) {
	if m.epoch.IsZero() {
		m.epoch, m.givenUp = time.Now(), make(chan struct{}, mostGivenUp)
	}
	began := time.Since(m.epoch)
	for range tries {
		now := time.Since(m.epoch)
		n := m.session.Next(now, m.budget.bound)
		reply, err := m.call(ctx, n, r)
		if err != nil {
			return m.alone(r, began, err)
		}
		switch reply.status {
		case statusEpoch:
			m.session.Enter(reply.epoch)
			if !r.Complete {
				m.found()
				a := m.unchanged(r)
				a.Incomplete, a.Lease = true, m.session.Left(now, m.budget.bound)
				return a, nil
			}
		case statusStale: // a copy of the machine that this program runs on uses its id
			m.id, m.session = newID(), protocol.Session{}
		default:
			m.session.Answered(n, now)
			m.found()
			a := &transport.Answer{Shares: reply.shares, Blocks: reply.blocks, Lease: m.budget.bound, Next: m.budget.bound / 3}
			if reply.recovery > 0 {
				a.Recovering, a.Next = true, min(a.Next, reply.recovery+time.Millisecond)
			}
			return a, nil
		}
	}
	return m.alone(r, began, errors.New("redisbudget: Redis lost what it knows again and again"))
}

// call calls the script. A timer of its own bounds it: the client's timeouts may be
// long, and its contexts do not end what is being read. An answer that comes later
// is not heeded. While Redis is away a call is waited for only so long that the next
// one is made before the lease of [protocol.Session.Alone] is over, unless Redis has
// shown that it answers.
func (m *member) call(ctx context.Context, n protocol.Number, r *transport.Report) (reply, error) {
	select {
	case m.givenUp <- struct{}{}:
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
		wait = min(wait, m.budget.bound/awayWait)
	}
	done := make(chan result, 1)
	ctx, cancel := context.WithTimeout(ctx, m.budget.timeout)
	go func() {
		defer cancel()
		answer, err := script.Run(ctx, m.budget.rdb, keys, args...).Slice()
		m.answers.Store(err == nil)
		done <- result{answer, err}
		<-m.givenUp
	}()
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case got := <-done:
		if got.err != nil {
			return reply{}, got.err
		}
		return decode(got.answer, len(r.Limits))
	case <-late.C:
		return reply{}, errTimeout
	}
}

// unchanged answers that the program goes on with what it owns.
func (m *member) unchanged(r *transport.Report) *transport.Answer {
	a := &transport.Answer{Shares: make([]transport.Share, len(r.Limits))}
	for i, u := range r.Limits {
		owned := u.Owned
		if !m.session.Known {
			owned = max(owned, (u.N+firstShare-1)/firstShare)
		}
		a.Shares[i] = transport.Share{Owned: owned, Part: owned, Keep: math.MaxInt32, Window: u.Window, Reserve: snapshot.Classes{
			Normal: min(u.Reserve.Normal, owned-1), Batch: min(u.Reserve.Batch, owned-1),
		}}
	}
	return a
}

// alone answers while Redis is away: the program goes on with what it owns, which is
// as many tokens as before for all programs together, or with a guess where it never
// owned any. It asks again, so that a program that was frozen meanwhile cannot take
// Redis for still away.
func (m *member) alone(r *transport.Report, began time.Duration, err error) (*transport.Answer, error) {
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
	a.Next = min(firstProbe<<min(m.failures-1, 10), b.bound/probes)
	return a, nil
}

// found notes that Redis is there.
func (m *member) found() {
	if m.failures > 0 {
		m.budget.logger.Info("redisbudget: Redis is back", "away_for", time.Since(m.since))
	}
	m.failures = 0
}
