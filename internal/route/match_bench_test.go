package route

import (
	"fmt"
	"testing"
)

// wideRouter has about as many templates as a large API, all of the same form.
func wideRouter(tb testing.TB) *Router {
	r := new(Router)
	for i := range 64 {
		for _, line := range [][2]string{
			{"GET", "/v1/things%d"},
			{"GET", "/v1/things%d/{id}"},
			{"PATCH", "/v1/things%d/{id}"},
			{"GET", "/v1/things%d/{id}/parts"},
			{"GET", "/v1/things%d/{id}/parts/{part}.xml"},
		} {
			if _, err := r.Add(line[0], fmt.Sprintf(line[1], i)); err != nil {
				tb.Fatal(err)
			}
		}
	}
	for _, line := range [][2]string{
		{"GET", "/v1/users/count"},
		{"GET", "/v1/users/{user_id}"},
		{"PATCH", "/v1/users/{user_id}"},
		{"PATCH", "/v1/users/{user_id}/metadata"},
		{"GET", "/v1/users/{user_id}/count"},
	} {
		if _, err := r.Add(line[0], line[1]); err != nil {
			tb.Fatal(err)
		}
	}
	return r
}

var requests = []struct{ name, method, path string }{
	{"param", "PATCH", "/v1/users/user_2abc/metadata"},
	{"static", "GET", "/v1/users/count"},
	{"backtrack", "GET", "/v1/users/count/count"},
	{"suffix", "GET", "/v1/things7/a/parts/b.xml"},
	{"unknown", "GET", "/v1/users/user_2abc/metadata/x"},
}

func TestMatchDoesNotAllocate(t *testing.T) {
	r := wideRouter(t)
	for _, tt := range requests {
		if got := testing.AllocsPerRun(100, func() {
			id, _ := r.Match(tt.method, tt.path)
			_ = r.Name(id)
		}); got != 0 {
			t.Errorf("Match(%s, %s): %v allocations, want 0", tt.method, tt.path, got)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	r := wideRouter(b)
	for _, tt := range requests {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Match(tt.method, tt.path)
			}
		})
	}
}

func BenchmarkFold(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Fold("/v1/unknown_things/user_2NNEqL2nrIRdJ194ndJqAHwEfxC/metadata")
	}
}
