package redisbudget

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// scriptStats reads how often Redis ran scripts since its counts were reset, and
// how long one took on average.
func scriptStats(t testing.TB, rdb *redis.Client) (calls int, each time.Duration) {
	t.Helper()
	info, err := rdb.Info(context.Background(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	total := 0.
	for line := range strings.SplitSeq(info, "\r\n") {
		if name, rest, _ := strings.Cut(line, ":"); name == "cmdstat_evalsha" || name == "cmdstat_eval" {
			for field := range strings.SplitSeq(rest, ",") {
				key, value, _ := strings.Cut(field, "=")
				v, _ := strconv.ParseFloat(value, 64)
				switch key {
				case "calls":
					calls += int(v)
				case "usec":
					total += v
				}
			}
		}
	}
	return calls, time.Duration(total / float64(max(calls, 1)) * float64(time.Microsecond))
}

// BenchmarkFullBucket is the cost of a call in Redis where the limit is used up:
// µs/call is what Redis says of itself.
func BenchmarkFullBucket(b *testing.B) {
	rdb := startServer(b).client(b)
	c := claim(1000, 10*time.Second)
	fleet := make([]*Budget, 8)
	for i := range fleet {
		fleet[i] = quietBudget(b, rdb)
		for range 125 {
			mustAcquire(b, fleet[i], c).Settle(transport.Answered)
		}
	}
	rdb.ConfigResetStat(context.Background())
	p := fleet[0]
	b.ResetTimer()
	for range b.N {
		p.mu.Lock()
		for _, ln := range p.lines.all() {
			ln.notBefore = 0 // ask, although there is nothing to be had
		}
		p.mu.Unlock()
		if _, err := p.Acquire(context.Background(), c, 0); err == nil {
			b.Fatal("a token of a full bucket")
		}
	}
	b.StopTimer()
	calls, each := scriptStats(b, rdb)
	b.ReportMetric(float64(each.Nanoseconds())/1000, "µs/call")
	b.ReportMetric(float64(calls)/float64(b.N), "calls/op")
}

// BenchmarkFreeBucket compares what a free bucket adds to a request with one
// round trip to Redis, at the median: on loopback, where the script's own 20 µs
// weigh as much as the way, and with half a millisecond between.
func BenchmarkFreeBucket(b *testing.B) {
	s := startServer(b)
	for name, way := range map[string]time.Duration{"loopback": 0, "half a millisecond away": 500 * time.Microsecond} {
		b.Run(name, func(b *testing.B) {
			rdb := redis.NewClient(&redis.Options{Addr: s.addr(), DisableIdentity: true, Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
				return &farAway{conn, way}, err
			}})
			defer func() { _ = rdb.Close() }()
			p, c := quietBudget(b, rdb), claim(1<<22, 10*time.Second)
			var pings, acquires []time.Duration
			for range b.N {
				start := time.Now()
				rdb.Ping(context.Background())
				pings = append(pings, time.Since(start))
				start = time.Now()
				l := mustAcquire(b, p, c)
				acquires = append(acquires, time.Since(start))
				l.Settle(transport.Answered)
			}
			slices.Sort(pings)
			slices.Sort(acquires)
			ping, acquire := pings[len(pings)/2], acquires[len(acquires)/2]
			b.ReportMetric(float64(ping.Nanoseconds())/1000, "µs/ping")
			b.ReportMetric(float64(acquire.Nanoseconds())/1000, "µs/acquire")
			b.ReportMetric(float64(acquire)/float64(ping), "ratio")
		})
	}
}

// farAway is a connection to somebody who is so far away.
type farAway struct {
	net.Conn
	way time.Duration
}

func (c *farAway) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.way > 0 {
		time.Sleep(c.way)
	}
	return n, err
}

func quietBudget(b *testing.B, rdb redis.Scripter) *Budget {
	return newBudget(b, rdb, WithLogger(slog.New(slog.DiscardHandler)), WithTimeout(time.Second))
}
