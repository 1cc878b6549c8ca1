package statuspage_test

import "testing"

// BenchmarkView is what one open page costs, once a second.
func BenchmarkView(b *testing.B) {
	page := samplePage()
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(get(page, "GET", "/").Body.Len()))
	}
}
