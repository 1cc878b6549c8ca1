//go:build unix

package fleettest

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
)

// cluster is a Redis Cluster of three nodes.
type cluster struct {
	nodes []*redis.Client
	ids   []string
	addrs []string
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	ctx := context.Background()
	const slots = 16384
	c := new(cluster)
	for i := range 3 {
		s := startServer(t, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf")
		node := s.client(t)
		must(t, node.ClusterAddSlotsRange(ctx, i*slots/3, (i+1)*slots/3-1).Err())
		if i > 0 {
			must(t, c.nodes[0].ClusterMeet(ctx, "127.0.0.1", strconv.Itoa(s.port)).Err())
		}
		c.nodes, c.addrs = append(c.nodes, node), append(c.addrs, s.addr())
		c.ids = append(c.ids, node.ClusterMyID(ctx).Val())
	}
	for _, node := range c.nodes {
		waitFor(t, "the cluster to form", func() bool {
			info := node.ClusterInfo(ctx).Val()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	return c
}

func (c *cluster) client(t *testing.T) *redis.ClusterClient {
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.addrs, DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// owner returns the node that owns a slot.
func (c *cluster) owner(t *testing.T, rdb *redis.ClusterClient, key string) int {
	t.Helper()
	node, err := rdb.MasterForKey(context.Background(), key)
	must(t, err)
	for i, addr := range c.addrs {
		if addr == node.Options().Addr {
			return i
		}
	}
	t.Fatalf("%s is none of %q", node.Options().Addr, c.addrs)
	return 0
}

func TestCluster(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	t.Run("conformance", func(t *testing.T) { conform(t, c.client(t)) })
	t.Run("all keys of a budget are on one node", func(t *testing.T) { t.Parallel(); c.spread(t) })
	t.Run("a slot moves", func(t *testing.T) { t.Parallel(); c.moveSlot(t) })
}

// spread uses many budgets, on several nodes.
func (c *cluster) spread(t *testing.T) {
	rdb := c.client(t)
	s := &service{latency: func() time.Duration { return 0 }}
	var all sync.WaitGroup
	used := map[int]bool{}
	for i := range 12 {
		name := "budget-" + strconv.Itoa(i)
		used[c.owner(t, rdb, "{"+name+"}")] = true
		p := join(t, newBudget(t, rdb, append(realTime(), redisbudget.WithName(name), redisbudget.WithoutFallback())...), s, 100, time.Minute)
		all.Go(func() {
			if err := p.get(context.Background(), "/users/1"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(used) < 2 {
		t.Error("12 budgets are all on one node")
	}
}

// moveSlot moves the slot of a budget to another node, key by key, and back.
func (c *cluster) moveSlot(t *testing.T) {
	ctx := context.Background()
	fleet := gather(t, 3, func() redis.Scripter { return c.client(t) })
	rdb := c.client(t)
	const key = "clerkthrottle:{default}:budget"
	slot := rdb.ClusterKeySlot(ctx, key).Val()
	for range 2 {
		from := c.owner(t, rdb, key)
		to := (from + 1) % 3
		_, port, _ := strings.Cut(c.addrs[to], ":")
		must(t, c.nodes[to].Do(ctx, "CLUSTER", "SETSLOT", slot, "IMPORTING", c.ids[from]).Err())
		must(t, c.nodes[from].Do(ctx, "CLUSTER", "SETSLOT", slot, "MIGRATING", c.ids[to]).Err())
		waitForMore(t, fleet.service, fleet.n, "requests while nothing has moved")
		for {
			keys := c.nodes[from].ClusterGetKeysInSlot(ctx, int(slot), 1).Val()
			if len(keys) == 0 {
				break
			}
			must(t, c.nodes[from].Migrate(ctx, "127.0.0.1", port, keys[0], 0, 5*time.Second).Err())
			waitForMore(t, fleet.service, fleet.n/2, "requests while some keys have moved")
		}
		for _, i := range []int{to, from, (from + 2) % 3} {
			must(t, c.nodes[i].Do(ctx, "CLUSTER", "SETSLOT", slot, "NODE", c.ids[to]).Err())
		}
		waitForMore(t, fleet.service, fleet.n, "requests after the move")
		rdb.ReloadState(ctx)
		waitFor(t, "the client to know", func() bool { rdb.ReloadState(ctx); return c.owner(t, rdb, key) == to })
	}
	fleet.verdict(t)
}
