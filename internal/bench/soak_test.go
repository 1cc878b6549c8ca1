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

// TestSoakWithLateArrivals has requests arrive that the program gave up while
// they were on their way. No client can know when those are counted: a token
// that comes back a window after the program gave up may meet one that arrived
// a few milliseconds later, so that a 429 now and then is all that can be asked.
func TestSoakWithLateArrivals(t *testing.T) {
	duration := 20 * time.Minute
	if *day {
		duration = 24 * time.Hour
	}
	synctest.Test(t, func(t *testing.T) {
		s := soaked{t: t, Duration: duration, Limit: 200, Window: 10 * time.Second, Callers: 40, Every: 1600 * time.Millisecond, Seed: 1, Late: true}
		r := s.run()
		// Twenty-four hours come to one in 6,000; twenty minutes scatter.
		if n := r.Calls.Load() / 1000; int64(r.Rejected) > n {
			t.Errorf("%d of 429s for the limit, want %d at most", r.Rejected, n)
		}
		t.Logf("%d of 429s for the limit", r.Rejected)
		r.Rejected = 0
		check(t, r)
	})
}

// TestSoakInRealTime has a thousand callers on real processors, with windows of
// a second:
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

// check holds the end of a soak to what must hold: nobody broke the limit, all
// callers came back in one way or another, and memory does not grow.
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
