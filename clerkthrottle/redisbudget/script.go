package redisbudget

import (
	"errors"
	"math"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget/internal/protocol"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

var script = redis.NewScript(protocol.Script)

// The status of a reply.
const (
	statusOK    = "ok"
	statusEpoch = "epoch" // Redis is in another epoch; nothing was changed
	statusStale = "stale" // Redis has seen this number or a later one
)

// reply is the script's reply.
type reply struct {
	status   string
	epoch    string
	recovery time.Duration // how long nothing will be granted
	shares   []transport.Share
	blocks   []transport.Block
}

// encode returns a call's keys and arguments, in the order in which the script reads
// them.
func (m *member) encode(n protocol.Number, r *transport.Report) (keys []string, args []any) {
	keys = append(make([]string, 0, 2+len(r.Limits)), m.keys[:]...)
	args = append(make([]any, 0, 8+2*len(r.Blocks)+9*len(r.Limits)),
		m.id, n.Epoch, n.Seq, n.Heard, n.Ago.Microseconds(), m.budget.bound.Microseconds(), newID(), len(r.Blocks))
	for _, b := range r.Blocks {
		args = append(args, b.Key, b.For.Microseconds())
	}
	args = append(args, len(r.Limits))
	for _, u := range r.Limits {
		keys = append(keys, m.budget.limitKey(u.Key))
		args = append(args, u.Private, m.session.Owns(u.Owned), u.N, u.Window.Microseconds(),
			u.Need.Interactive, u.Need.Normal, u.Need.Batch, u.Reserve.Normal, u.Reserve.Batch)
	}
	return keys, args
}

var errReply = errors.New("redisbudget: the reply from Redis is not the script's")

// decode decodes the reply to a call that named a number of limits.
func decode(answer []any, limits int) (r reply, err error) {
	d := decoder{left: answer}
	r.status = d.text()
	if r.status != statusStale {
		r.epoch, r.recovery = d.text(), d.duration()
	}
	if r.status == statusOK {
		for range limits {
			s := transport.Share{Owned: d.int(), Part: d.int(), Keep: d.int(), Window: d.duration()}
			s.Reserve.Normal, s.Reserve.Batch = d.int(), d.int()
			if s.Window <= 0 || s.Owned < 0 {
				return reply{}, errReply
			}
			r.shares = append(r.shares, s)
		}
		for len(d.left) > 0 && !d.bad {
			r.blocks = append(r.blocks, transport.Block{Key: d.text(), For: d.duration()})
		}
	}
	known := r.status == statusOK || r.status == statusEpoch || r.status == statusStale
	if d.bad || len(d.left) > 0 || !known || r.status != statusStale && r.epoch == "" {
		return reply{}, errReply
	}
	return r, nil
}

// decoder takes values off a list. It turns bad if one is missing or of another type.
type decoder struct {
	left []any
	bad  bool
}

func take[T any](d *decoder) (v T) {
	if len(d.left) == 0 {
		d.bad = true
		return v
	}
	v, ok := d.left[0].(T)
	d.left, d.bad = d.left[1:], d.bad || !ok
	return v
}

func (d *decoder) text() string { return take[string](d) }

func (d *decoder) int() int {
	n := take[int64](d)
	d.bad = d.bad || n < math.MinInt32 || n > math.MaxInt32
	return int(n)
}

func (d *decoder) duration() time.Duration {
	n := take[int64](d)
	d.bad = d.bad || n < 0 || n > math.MaxInt64/int64(time.Microsecond)
	return time.Duration(n) * time.Microsecond
}
