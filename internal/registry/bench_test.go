package registry

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"
)

func keys(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = "GET /v1/users/{user_id} " + strconv.Itoa(i)
	}
	return all
}

// BenchmarkAdd measures a new key in a registry of so many that are all in use,
// and what such a key costs in memory, beside the key itself and its state.
func BenchmarkAdd(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			names, s := keys(n), &state{idleAt: never}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			fill := func() Registry[*state] {
				r := New(look)
				for _, k := range names {
					r.Add(k, s, 0)
				}
				return r
			}
			r := fill()
			runtime.GC()
			runtime.ReadMemStats(&after)
			size := float64(after.HeapAlloc-before.HeapAlloc) / float64(n)
			runtime.KeepAlive(&r)
			for b.Loop() {
				fill()
			}
			b.ReportMetric(size, "bytes/key")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/key")
		})
	}
}

// BenchmarkAddToFlood measures a new key that finds idle ones to drop.
func BenchmarkAddToFlood(b *testing.B) {
	names := keys(1 << 16)
	r := New(func(until, now time.Duration) bool { return now >= until })
	now := time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		r.Add(names[int(now)%len(names)], now+1000, now)
		now++
	}
	b.ReportMetric(float64(r.Len()), "held")
}

func BenchmarkGet(b *testing.B) {
	names, r := keys(1000), New(look)
	for _, k := range names {
		r.Add(k, &state{idleAt: never}, 0)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r.Get(names[i%len(names)])
		i++
	}
}
