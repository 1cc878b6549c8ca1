package bench

import (
	"flag"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

var soak = flag.Bool("soak", false, "also soak for ten minutes of real time; meant for -race")

// TestSoak soaks in virtual time: 20 minutes, or with -day 24 hours.
//
//	go test ./internal/bench -run TestSoak -day -timeout 60m
func TestSoak(t *testing.T) {
	duration := 20 * time.Minute
	if *day {
		duration = 24 * time.Hour
	}
	for seed := range uint64(*seeds) {
		if underRace && seed > 0 {
			break
		}
		synctest.Test(t, func(t *testing.T) {
			s := soaked{t: t, Duration: duration, Limit: 200, Window: 10 * time.Second, Callers: 40, Every: 1600 * time.Millisecond, Seed: seed + 1}
			check(t, s.run())
		})
	}
}

// TestSoakWithLateArrivals makes requests arrive that the program gave up while they
// were on their way. No client can know when those are counted: a token that is free
// a window after the program gave up may meet a request that arrived a few
// milliseconds later. So a 429 now and then is the best possible.
func TestSoakWithLateArrivals(t *testing.T) {
	duration := 20 * time.Minute
	if *day {
		duration = 24 * time.Hour
	}
	synctest.Test(t, func(t *testing.T) {
		s := soaked{t: t, Duration: duration, Limit: 200, Window: 10 * time.Second, Callers: 40, Every: 1600 * time.Millisecond, Seed: 1, Late: true}
		r := s.run()
		// The mean over 24 hours is one in 6,000; twenty minutes vary.
		if n := r.Calls.Load() / 1000; int64(r.Rejected) > n {
			t.Errorf("%d of 429s for the limit, want %d at most", r.Rejected, n)
		}
		t.Logf("%d of 429s for the limit", r.Rejected)
		r.Rejected = 0
		check(t, r)
	})
}

// TestSoakInRealTime runs a thousand callers on real processors, with windows of a
// second:
//
//	go test -race ./internal/bench -run TestSoakInRealTime -soak -v -timeout 20m
func TestSoakInRealTime(t *testing.T) {
	duration := 10 * time.Minute
	if !*soak {
		t.Log("ten minutes of real time: run it with -soak; this is a moment of it")
		duration = 3 * time.Second
	}
	s := soaked{t: t, Duration: duration, Limit: 500, Window: time.Second, Callers: 300, Every: 400 * time.Millisecond, Seed: 1}
	check(t, s.run())
}

// check checks the end of a soak: the limit was kept, all callers returned, and
// memory does not grow.
func check(t *testing.T, r *soakReport) {
	t.Helper()
	t.Log(r)
	if r.Rejected != 0 {
		t.Errorf("a lone program met %d of 429s for its limit", r.Rejected)
	}
	if got := r.Worked.Load() + r.Refused.Load() + r.Cancelled.Load() + r.Failed.Load(); got != r.Calls.Load() {
		t.Errorf("%d calls, of which %d came back", r.Calls.Load(), got)
	}
	if r.Worked.Load() < r.Calls.Load()/2 {
		t.Errorf("only %d of %d calls worked", r.Worked.Load(), r.Calls.Load())
	}
	if n := len(r.Heap); n >= 8 {
		early, late := slices.Max(r.Heap[n/4:n/2]), slices.Max(r.Heap[n/2:])
		if late > early+early/4+1<<20 {
			t.Errorf("memory grows: %d KiB in the second quarter, %d KiB after", early>>10, late>>10)
		}
	}
}
