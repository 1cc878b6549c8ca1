package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Secret keys that a stranger makes up take bounded memory, in the sidecar and in
// the throttle's snapshot: the throttle gives 1,024 keys budgets of their own, and
// all further ones one. They take nothing from a key that is in use, which keeps
// its whole limit. The README quotes:
//
//	CLERKTHROTTLE_KEYS=1000000 go test ./examples/sidecar -run Keys -v
func TestMadeUpKeysTakeBoundedMemoryAndNobodysLimit(t *testing.T) {
	keys := 10_000
	if n, err := strconv.Atoi(os.Getenv("CLERKTHROTTLE_KEYS")); err == nil {
		keys = n
	}
	synctest.Test(t, func(t *testing.T) {
		upstream := roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		})
		s := inMemory(t, upstream, "-max-wait", "0", "-reserve", "0")
		send := func(key string) (served int) {
			r := httptest.NewRequest("GET", "/v1/users", nil)
			r.Host = "localhost"
			r.Header.Set("Authorization", "Bearer "+key)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code == http.StatusOK {
				served++
			}
			return served
		}
		const limit = 1000
		before, inUse, madeUp := heap(), send("sk_live_in_use"), 0
		for i := range keys {
			madeUp += send(fmt.Sprintf("sk_live_%d", i))
		}
		for range limit {
			inUse += send("sk_live_in_use")
		}
		snapshot := s.Throttle.Snapshot()
		text, err := json.Marshal(snapshot)
		if err != nil {
			t.Fatal(err)
		}
		taken := heap() - before
		t.Logf("of %d made-up keys %d were served; %d limits and %d endpoints are kept, in %.1f MB; the snapshot has %.1f MB",
			keys, madeUp, len(snapshot.Limits), len(snapshot.Endpoints), float64(taken)/1e6, float64(len(text))/1e6)
		const own, perKey = 1025, 16 << 10
		if inUse != limit || len(snapshot.Limits) > own || len(snapshot.Endpoints) > own || len(text) > own*perKey || taken > own*perKey {
			t.Errorf("%d requests of the key in use were served; want %d, at most %d limits and endpoints, and %d bytes", inUse, limit, own, own*perKey)
		}
	})
}

// heap is how much memory is in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
