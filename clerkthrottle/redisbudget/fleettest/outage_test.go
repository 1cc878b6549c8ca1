//go:build unix

package fleettest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

var seeds = flag.Int("seeds", 12, "how many random outages to play")

// One outage of Redis, of any length, at any moment and under any load: never more
// than N in a window, and nothing fails.
func TestOutageNeverExceedsTheLimit(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { outage(t, uint64(seed)) })
		})
	}
}

func outage(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	n, window := 5+r.IntN(100), time.Duration(1+r.IntN(10))*time.Second
	m, _ := inMemory(t)
	s := &service{latency: uniform(time.Millisecond, 10*time.Millisecond+time.Duration(r.Int64N(int64(window/4))))}
	net := &network{rand: rand.New(rand.NewPCG(seed, 2))}
	hang := r.IntN(2) == 0
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var fleet []*program
	for range 1 + r.IntN(5) {
		p := join(t, newBudget(t, net.wire(connect(t, m))), s, n, window)
		fleet = append(fleet, p)
		var pause func() time.Duration
		if r.IntN(2) == 0 {
			pause = uniform(0, window)
		}
		p.work(ctx, &all, 1+r.IntN(20), pause)
	}
	time.Sleep(bound + window + time.Duration(r.Int64N(int64(2*window))))
	net.set(!hang, hang)
	time.Sleep(time.Duration(r.Int64N(int64(3*window + 2*bound))))
	net.set(false, false)
	time.Sleep(bound + 3*window)
	cancel()
	all.Wait()
	if most := s.most(window); most > n {
		t.Errorf("seed %d: %d requests in a window, want at most %d", seed, most, n)
	}
	for _, p := range fleet {
		if failed := p.failed.Load(); failed > 0 {
			t.Errorf("seed %d: %d requests failed", seed, failed)
		}
	}
}

// network is the network between programs and Redis: it can be cut or slow, lose an
// answer, or execute a call late or twice.
type network struct {
	mu   sync.Mutex
	rand *rand.Rand
	cut  bool
	bad  bool
	hung bool
}

func (n *network) set(cut, bad bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut, n.bad = cut, bad
}

// hang makes calls hang, or ends that.
func (n *network) hang(hung bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hung = hung
}

func (n *network) hangs() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hung
}

func (n *network) wire(to redis.Scripter) redis.Scripter { return wire{to, n} }

type wire struct {
	redis.Scripter
	network *network
}

func (w wire) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return w.carry(ctx, func(ctx context.Context) *redis.Cmd { return w.Scripter.EvalSha(ctx, sha, keys, args...) })
}

func (w wire) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return w.carry(ctx, func(ctx context.Context) *redis.Cmd { return w.Scripter.Eval(ctx, script, keys, args...) })
}

func (w wire) carry(ctx context.Context, call func(context.Context) *redis.Cmd) *redis.Cmd {
	n := w.network
	for began := time.Now(); n.hangs(); time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > 3*time.Second { // go-redis's ReadTimeout
			return failed(ctx)
		}
	}
	n.mu.Lock()
	cut, what, late := n.cut, 0, time.Duration(0)
	if n.bad {
		what, late = n.rand.IntN(5), time.Duration(n.rand.IntN(2000))*time.Millisecond
	}
	n.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	switch {
	case cut, what == 1:
		return failed(ctx)
	case what == 2: // executed, and the answer is lost
		call(ctx)
		return failed(ctx)
	case what == 3: // executed late, perhaps after it was given up
		time.Sleep(late)
		return call(ctx)
	case what == 4: // executed twice, once late
		go func() {
			time.Sleep(late)
			call(ctx)
		}()
	}
	return call(ctx)
}

func failed(ctx context.Context) *redis.Cmd {
	cmd := redis.NewCmd(ctx)
	cmd.SetErr(errors.New("the connection broke"))
	return cmd
}
