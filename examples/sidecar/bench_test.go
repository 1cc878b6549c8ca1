package main

import (
	"io"
	"net/http"
	"slices"
	"testing"
	"time"
)

// The two benchmarks ask the same upstream for the same small answer, directly
// and through the sidecar, on paths that the limit does not hold back. Client,
// sidecar and upstream share the machine.
//
//	go test ./examples/sidecar -run - -bench . -benchtime 3s
//
// BenchmarkThroughput reports requests a second with 64 callers, BenchmarkMedian
// the median latency of one caller.
var paths = map[string]string{
	"jwks":    "/v1/jwks",  // draws on no limit
	"limited": "/v1/users", // draws on one with room
}

func benchmarkEnds(b *testing.B) map[string]string {
	answer := []byte(`{"object":"list","data":[]}`)
	upstream := serve(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	})
	return map[string]string{"direct": upstream, "sidecar": start(b, upstream, "-limit", "1000000/1s")}
}

func get(b *testing.B, c *http.Client, r *http.Request) {
	resp, err := c.Do(r)
	if err != nil {
		b.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b.Error(resp.Status)
	}
}

func BenchmarkThroughput(b *testing.B) {
	ends := benchmarkEnds(b)
	for _, path := range []string{"jwks", "limited"} {
		for _, end := range []string{"direct", "sidecar"} {
			b.Run(path+"/"+end, func(b *testing.B) {
				c := client(b)
				b.SetParallelism(32)
				b.RunParallel(func(pb *testing.PB) {
					r := request(b, "GET", ends[end]+paths[path], "Authorization", "Bearer sk_test_x")
					for pb.Next() {
						get(b, c, r)
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
			})
		}
	}
}

func BenchmarkMedian(b *testing.B) {
	ends := benchmarkEnds(b)
	for _, path := range []string{"jwks", "limited"} {
		b.Run(path, func(b *testing.B) {
			took := map[string][]time.Duration{}
			c := client(b)
			for b.Loop() { // by turns, so that a busy machine is busy for both
				for end, url := range ends {
					r := request(b, "GET", url+paths[path], "Authorization", "Bearer sk_test_x")
					start := time.Now()
					get(b, c, r)
					took[end] = append(took[end], time.Since(start))
				}
			}
			direct, through := median(took["direct"]), median(took["sidecar"])
			b.ReportMetric(direct.Seconds()*1e6, "µs-direct")
			b.ReportMetric(through.Seconds()*1e6, "µs-sidecar")
			b.ReportMetric((through-direct).Seconds()*1e6, "µs-added")
		})
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
