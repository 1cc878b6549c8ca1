//go:build unix

package fleettest

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// noop answers at once.
type noop struct{ resp *http.Response }

func (n noop) RoundTrip(*http.Request) (*http.Response, error) {
	resp := *n.resp
	return &resp, nil
}

// BenchmarkOwnedToken measures a request that gets a token which its program owns,
// relative to one without a shared budget: in turns, at the median.
//
//	go test ./clerkthrottle/redisbudget/fleettest -run - -bench OwnedToken
func BenchmarkOwnedToken(b *testing.B) {
	_, rdb := inMemory(b)
	table := limits(1<<20, 50*time.Millisecond)
	claim := table(httpGet(b))
	program := func(budget transport.Budget) *transport.Transport {
		rt, err := transport.New(transport.Config{
			Base: noop{&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}}, MaxWait: time.Minute, Budget: budget,
			Classify: func(*http.Request) *transport.Claim { return claim },
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = rt.Close() })
		return rt
	}
	of := map[string]*transport.Transport{"ns/local": program(nil), "ns/shared": program(newBudget(b, rdb))}
	took := map[string][]float64{}
	req := httpGet(b)
	const batch = 1000
	round := func() {
		for name, rt := range of {
			began := time.Now()
			for range batch {
				resp, err := rt.RoundTrip(req)
				if err != nil {
					b.Fatal(err)
				}
				resp.Body.Close()
			}
			took[name] = append(took[name], float64(time.Since(began).Nanoseconds())/batch)
		}
	}
	for range 200 { // until it owns what it needs
		round()
	}
	clear(took)
	b.ResetTimer()
	for range max(b.N/batch, 50) {
		round()
	}
	b.StopTimer()
	for name := range took {
		slices.Sort(took[name])
		b.ReportMetric(took[name][len(took[name])/2], name)
	}
	local, shared := took["ns/local"], took["ns/shared"]
	b.ReportMetric(shared[len(shared)/2]/local[len(local)/2], "ratio")
}

func httpGet(b *testing.B) *http.Request {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://things.test/", nil)
	if err != nil {
		b.Fatal(err)
	}
	return req
}

// BenchmarkCall measures one exchange of a fleet of 8, and of 100, with a real
// server: its time in Redis, and as the program sees it.
func BenchmarkCall(b *testing.B) {
	for _, programs := range []int{1, 8, 100} {
		b.Run(strconv.Itoa(programs), func(b *testing.B) {
			rdb := startServer(b).client(b)
			limit := &transport.Limit{Name: "things", Key: "things", N: 1000, Window: 10 * time.Second}
			fleet := make([]transport.Member, programs)
			owned := make([]int, programs)
			exchange := func(i int) {
				r := &transport.Report{Complete: true, Limits: []transport.Usage{{Limit: limit, Owned: owned[i], Need: snapshot.Classes{Normal: 2000 / programs}}}}
				a, err := fleet[i].Exchange(context.Background(), r)
				if err != nil || a.Err != nil {
					b.Fatal(err, a.Err)
				}
				owned[i] = a.Shares[0].Owned
			}
			for i := range fleet {
				fleet[i] = newBudget(b, rdb, realTime()...).Join()
				exchange(i)
			}
			rdb.ConfigResetStat(context.Background())
			b.ResetTimer()
			for n := range b.N {
				exchange(n % programs)
			}
			b.StopTimer()
			b.ReportMetric(scriptTime(rdb), "µs/call-in-Redis")
		})
	}
}

// scriptTime returns how long a script call took in Redis on average, in microseconds.
func scriptTime(rdb *redis.Client) float64 {
	_, rest, _ := strings.Cut(rdb.Info(context.Background(), "commandstats").Val(), "cmdstat_evalsha:")
	_, rest, _ = strings.Cut(rest, "usec_per_call=")
	each, _, _ := strings.Cut(rest, ",")
	us, _ := strconv.ParseFloat(each, 64)
	return us
}
