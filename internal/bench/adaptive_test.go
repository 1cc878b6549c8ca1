package bench

import (
	"flag"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/sim"
)

var (
	seeds = flag.Int("seeds", 1, "how many runs with different random numbers each figure is the mean of")
	day   = flag.Bool("day", false, "also play 24 virtual hours")
)

// onEachServer plays a scenario against each kind of server.
func onEachServer(t *testing.T, name string, s sim.Scenario, play func(*testing.T, sim.Scenario)) {
	for _, algorithm := range []clerktest.Algorithm{clerktest.FixedWindow, clerktest.SlidingLog, clerktest.TokenBucket} {
		t.Run(fmt.Sprintf("%s, %v", name, algorithm), func(t *testing.T) {
			s.Algorithm = algorithm
			play(t, s)
		})
	}
}

// saturated returns n programs of so many callers each, which call again as soon as
// they are answered.
func saturated(n, limit, callers int) []sim.Program {
	return sim.Programs(n, sim.Program{Client: sim.Throttled(limit), Callers: callers})
}

// want is a target: at most so many 429s per thousand requests, at least so much of
// the limit, shared so evenly.
type want struct{ per1000, share, jain float64 }

// hold checks the target from the second minute on, in the mean of the seeds. Under
// the race detector the runs are too short to check anything.
func (w want) hold(t *testing.T, s sim.Scenario, programs ...int) {
	t.Helper()
	n := *seeds
	if s.Limit <= 100 {
		n *= 3 // a few 429s matter there, and a run takes a tenth of the time
	}
	if underRace {
		n, s.Duration = 1, min(s.Duration, 2*time.Minute)
	}
	var mean want
	for seed := range n {
		s.Seed = uint64(seed + 1)
		r := sim.Run(t, s)
		mean.per1000 += r.Per1000(time.Minute, s.Duration, programs...) / float64(n)
		mean.share += r.Share(time.Minute, s.Duration, programs...) / float64(n)
		mean.jain += r.Jain(time.Minute, s.Duration, programs...) / float64(n)
	}
	t.Logf("%5.2f of 429s per 1000, %.3f of the limit, Jain %.3f", mean.per1000, mean.share, mean.jain)
	if !underRace && (mean.per1000 > w.per1000 || mean.share < w.share || mean.jain < w.jain) {
		t.Errorf("want at most %.1f of 429s per 1000, at least %.3f of the limit, Jain %.2f", w.per1000, w.share, w.jain)
	}
}

// TestManyPrograms prints how programs fare that share a limit without knowing of
// each other: single runs, over the whole throttle, of what internal/adapt's
// TestScenes checks against the project's targets.
func TestManyPrograms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		programs, callers, limit int
		want
	}{
		{1, 256, 1000, want{0, 0.985, 1}},
		{4, 64, 1000, want{0.8, 0.95, 0.98}},
		{16, 64, 1000, want{2, 0.94, 0.98}},
		{64, 16, 1000, want{10, 0.85, 0.95}},
		{8, 32, 100, want{9, 0.85, 0}},
	} {
		s := sim.Scenario{Limit: c.limit, Duration: 10 * time.Minute, Programs: saturated(c.programs, c.limit, c.callers)}
		onEachServer(t, fmt.Sprintf("%d programs, %d per 10s", c.programs, c.limit), s, func(t *testing.T, s sim.Scenario) { c.hold(t, s) })
	}
}

// TestOtherPrograms prints the same for programs that do not saturate a single
// endpoint, or share the limit with other kinds.
func TestOtherPrograms(t *testing.T) {
	t.Parallel()
	length := 5 * time.Minute
	if *seeds > 1 {
		length *= 2
	}
	stranger := sim.Program{Client: sim.Bare, Callers: 40, Every: time.Second}
	random := sim.Program{Client: sim.Throttled(1000), Callers: 20, Every: time.Second}
	perEndpoint := sim.Program{Client: sim.Throttled(1000, clerkthrottle.WithLimitPerEndpoint()), Callers: 256}
	endpoints := []string{"/v1/users", "/v1/organizations", "/v1/sessions", "/v1/invitations"}
	for _, c := range []struct {
		name string
		sim.Scenario
		want
		of []int // none: all
	}{
		// The target is 0.90 of what is left, and single runs vary by 0.02: with
		// -seeds 12 the strictest server's mean meets it.
		{"beside one that takes 0.4 whatever it is answered", sim.Scenario{Programs: append(saturated(4, 1000, 64), stranger)},
			want{5, 0.88, 0.98}, []int{0, 1, 2, 3}},
		{"calls at random, at four fifths of the limit", sim.Scenario{Programs: sim.Programs(4, random)}, want{5, 0.72, 0}, nil},
		// Learning is by endpoint, which is right if the server counts each
		// separately, and costs some 429s if it counts all together.
		{"four endpoints counted together", sim.Scenario{Endpoints: endpoints, Programs: saturated(4, 1000, 256)}, want{5, 0.85, 0.9}, nil},
		{"four endpoints counted apart", sim.Scenario{Endpoints: endpoints, PerEndpoint: true, Programs: sim.Programs(4, perEndpoint)},
			want{5, 3.2, 0.9}, nil},
	} {
		c.Limit, c.Duration = 1000, length
		onEachServer(t, c.name, c.Scenario, func(t *testing.T, s sim.Scenario) {
			c.hold(t, s, c.of...)
		})
	}
}

// After three of four programs leave, the last one is back at nine tenths of the
// limit within 26 windows.
func TestLastOneTakesTheRest(t *testing.T) {
	t.Parallel()
	const leave = 5 * time.Minute
	programs := append(saturated(1, 1000, 256), sim.Programs(3, sim.Program{Client: sim.Throttled(1000), Callers: 256, Until: leave})...)
	onEachServer(t, "3 of 4 leave", sim.Scenario{Limit: 1000, Duration: 11 * time.Minute, Programs: programs, Seed: 1}, func(t *testing.T, s sim.Scenario) {
		r := sim.Run(t, s)
		after := sim.Window
		for r.Got(leave+after-sim.Window, leave+after, 0) < 900 && after <= 26*sim.Window {
			after += time.Second
		}
		t.Logf("back %s after the others left", after)
		if after > 26*sim.Window {
			t.Error("want at most 26 windows")
		}
	})
}

// A program that learned a rate and was then idle for an hour sends a burst of the
// whole limit at once.
func TestIdleProgramIsANewcomerAgain(t *testing.T) {
	const learned, idle = 2 * time.Minute, time.Hour
	var client atomic.Value // of the one program, before and after
	before := sim.Program{Callers: 1000, Until: learned, Client: func(network http.RoundTripper) http.RoundTripper {
		client.Store(sim.Throttled(1000)(network))
		return client.Load().(http.RoundTripper)
	}}
	after := sim.Program{Callers: 1000, From: learned + idle, Client: func(http.RoundTripper) http.RoundTripper {
		return client.Load().(http.RoundTripper)
	}}
	others := sim.Programs(3, sim.Program{Client: sim.Throttled(1000), Callers: 64, Until: learned})
	r := sim.Run(t, sim.Scenario{Limit: 1000, Duration: learned + idle + time.Minute, Programs: append(others, before, after), Seed: 1})
	if r.Met(0, learned, 3) == 0 {
		t.Fatal("nothing was learned before")
	}
	got := r.Got(learned+idle, learned+idle+time.Second)
	t.Logf("%d in the first second after an idle hour", got)
	if got < 1000 {
		t.Error("want the whole burst")
	}
}

// In 24 virtual hours nothing drifts or freezes, and every program gets its share in
// every hour.
func TestDay(t *testing.T) {
	if !*day {
		t.Log("24 virtual hours take some minutes: run it with -day")
		return
	}
	for _, programs := range []int{4, 16} {
		s := sim.Scenario{Limit: 1000, Duration: 24 * time.Hour, Seed: 1, Programs: saturated(programs, 1000, 256/programs)}
		onEachServer(t, fmt.Sprintf("%d programs", programs), s, func(t *testing.T, s sim.Scenario) {
			r := sim.Run(t, s)
			worst, least := 0.0, 1.0
			for hour := time.Hour; hour < 24*time.Hour; hour += time.Hour {
				worst = max(worst, r.Per1000(hour, hour+time.Hour))
				for p := range programs {
					fair := 360_000 / float64(programs)
					least = min(least, float64(r.Got(hour, hour+time.Hour, p))/fair)
				}
			}
			t.Logf("%.2f of 429s per 1000, %.3f of the limit; worst hour %.2f; least that a program got in an hour: %.2f of its fair part",
				r.Per1000(time.Hour, 24*time.Hour), r.Share(time.Hour, 24*time.Hour), worst, least)
			if worst > 3 || least < 0.8 {
				t.Error("want at most 3 per 1000 in any hour, and no program below 0.8")
			}
		})
	}
}

func TestSameSeedSameRun(t *testing.T) {
	play := func(seed uint64) (got, met int) {
		r := sim.Run(t, sim.Scenario{
			Limit: 100, Algorithm: clerktest.SlidingLog, Duration: 2 * time.Minute, Seed: seed,
			Programs: sim.Programs(3, sim.Program{Client: sim.Throttled(100), Callers: 8, Every: 500 * time.Millisecond}),
		})
		return r.Got(0, 2*time.Minute), r.Met(0, 2*time.Minute)
	}
	a1, r1 := play(7)
	a2, r2 := play(7)
	if a1 != a2 || r1 != r2 {
		t.Errorf("let through %d and %d, refused %d and %d with the same seed", a1, a2, r1, r2)
	}
}
