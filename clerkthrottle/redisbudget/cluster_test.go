package redisbudget

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// startCluster starts a Redis Cluster of three nodes.
func startCluster(t testing.TB) *redis.ClusterClient {
	t.Helper()
	ctx := context.Background()
	const nodes, slots = 3, 16384
	var addrs []string
	var clients []*redis.Client
	for i := range nodes {
		s := startServer(t, "--cluster-enabled", "yes", "--cluster-config-file", "nodes-"+strconv.Itoa(i)+".conf")
		c := s.client(t)
		if err := c.ClusterAddSlotsRange(ctx, i*slots/nodes, (i+1)*slots/nodes-1).Err(); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			if err := clients[0].ClusterMeet(ctx, "127.0.0.1", strconv.Itoa(s.port)).Err(); err != nil {
				t.Fatal(err)
			}
		}
		addrs, clients = append(addrs, s.addr()), append(clients, c)
	}
	for _, c := range clients {
		waitFor(t, "the cluster to form", func() bool {
			info := c.ClusterInfo(ctx).Val()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, DisableIdentity: true})
	t.Cleanup(func() { _ = cluster.Close() })
	return cluster
}

func TestConformanceOnCluster(t *testing.T) {
	conformance(t, startCluster(t))
}

// Budgets of any name work in a cluster: all keys of one are on one node.
func TestClusterHoldsABudgetOnOneNode(t *testing.T) {
	cluster := startCluster(t)
	used := map[string]bool{}
	for i := range 12 {
		name := "budget-" + strconv.Itoa(i)
		b := newBudget(t, cluster, WithName(name), WithTimeout(time.Second), WithoutFallback())
		c := claim(10, 10*time.Second)
		c.Limits = append(c.Limits, transport.Limit{Name: "all", Key: "all", N: 100, Window: time.Minute})
		mustAcquire(t, b, c).Settle(transport.Answered)
		node, err := cluster.MasterForKey(t.Context(), "{"+name+"}")
		if err != nil {
			t.Fatal(err)
		}
		used[node.Options().Addr] = true
	}
	if len(used) < 2 {
		t.Error("12 budgets are all on one node")
	}
}
