package statuspage_test

import "testing"

// BenchmarkView measures what one open page costs, once a second: the time to make it
// and its size.
func BenchmarkView(b *testing.B) {
	page := samplePage()
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		size = get(page, "GET", "/").Body.Len()
	}
	b.ReportMetric(float64(size), "bytes/page")
}
