package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// What it costs to turn a request away, which a flood does most of the time.
func BenchmarkRefused(b *testing.B) {
	o, err := parseOptions(nil, func(string) string { return "" }, io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	o.base = clerktest.New().RoundTripper()
	s, err := newSidecar(o, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer s.close()
	for i := range 1500 {
		s.Entrance.Places.Take(string(rune(i)), 1)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("GET", "/v1/users", nil)
		r.Host, r.RemoteAddr = "localhost", "127.0.0.1:1"
		r.Header.Set("Authorization", "Bearer sk_test_x")
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != http.StatusTooManyRequests {
			b.Fatal(w.Code)
		}
	}
}
