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
	"time"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Secret keys, one after the other, take no more memory than those that may be in
// use at a time, and the throttle's snapshot is as short: made up all at once,
// when most are turned away; as many in each minute as may be, so that every one
// is served; and where -max-keys turns none away, so that only its own list of
// them grows, since the throttle gives 1,024 keys budgets of their own and all
// further ones one. The README quotes, of two minutes:
//
//	CLERKTHROTTLE_KEYS=1000000 go test ./examples/sidecar -run Keys -v
func TestKeysTakeBoundedMemory(t *testing.T) {
	keys := 10_000
	if n, err := strconv.Atoi(os.Getenv("CLERKTHROTTLE_KEYS")); err == nil {
		keys = n
	}
	for _, c := range []struct {
		name    string
		maxKeys int
		atATime int
		served  int
	}{
		{"all at once", 1000, keys, 1000},
		{"as many a minute as may be", 1000, 1000, keys},
		{"without a bound", keys, keys, keys},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				upstream := roundTripper(func(r *http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
				})
				s := inMemory(t, upstream, "-max-keys", strconv.Itoa(c.maxKeys))
				before, served := heap(), 0
				for i := range keys {
					if i%c.atATime == 0 && i > 0 {
						time.Sleep(keyMemory + time.Second)
					}
					r := httptest.NewRequest("GET", "/v1/users", nil)
					r.Host = "localhost"
					r.Header.Set("Authorization", fmt.Sprintf("Bearer sk_live_%d", i))
					w := httptest.NewRecorder()
					s.ServeHTTP(w, r)
					if w.Code == http.StatusOK {
						served++
					}
				}
				snapshot := s.Throttle.Snapshot()
				text, err := json.Marshal(snapshot)
				if err != nil {
					t.Fatal(err)
				}
				taken := heap() - before
				t.Logf("of %d keys %d were served; %d limits and %d endpoints are kept, in %.1f MB; the snapshot has %.1f MB",
					keys, served, len(snapshot.Limits), len(snapshot.Endpoints), float64(taken)/1e6, float64(len(text))/1e6)
				const own, perKey = 1025, 16 << 10
				if bound := int64(own*perKey + 256*c.maxKeys); served != c.served || len(snapshot.Limits) > own || len(snapshot.Endpoints) > own || len(text) > own*perKey || taken > bound {
					t.Errorf("want %d served, at most %d of each and %d bytes", c.served, own, bound)
				}
			})
		})
	}
}

// heap is how much memory is in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
