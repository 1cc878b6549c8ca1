package bench

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/sim"
)

var (
	seeds = flag.Int("seeds", 1, "how many runs with different random numbers each figure is the mean of")
	day   = flag.Bool("day", false, "also play 24 virtual hours")
)

var algorithms = []clerktest.Algorithm{clerktest.FixedWindow, clerktest.SlidingLog, clerktest.TokenBucket}

// length is of a run, the first minute of which is not counted.
func length() time.Duration {
	if *seeds > 1 {
		return 10 * time.Minute
	}
	return 5 * time.Minute
}

// figures are means over the seeds.
type figures struct{ per1000, share, jain, firstMinute float64 }

func (f figures) String() string {
	return fmt.Sprintf("%5.2f of 429s per 1000, %.3f of the limit, Jain %.3f; first minute: %.0f of 429s", f.per1000, f.share, f.jain, f.firstMinute)
}

// measure plays a scenario for each seed and returns the means of what is
// counted from a minute on.
func measure(t *testing.T, s sim.Scenario, programs ...int) figures {
	t.Helper()
	var f figures
	n := *seeds
	if s.Limit <= 100 {
		n *= 3 // a few 429s more or less show there, and a run takes a tenth of the time
	}
	if underRace {
		n, s.Duration = 1, min(s.Duration, 2*time.Minute)
	}
	for seed := range n {
		s.Seed = uint64(seed + 1)
		r := sim.Run(t, s)
		f.per1000 += r.Per1000(time.Minute, s.Duration, programs...) / float64(n)
		f.share += r.Share(time.Minute, s.Duration, programs...) / float64(n)
		f.jain += r.Jain(time.Minute, s.Duration, programs...) / float64(n)
		f.firstMinute += float64(r.Rejected(0, time.Minute, programs...)) / float64(n)
	}
	return f
}

// expect holds figures to a target. Under the race detector the runs are too
// short to say anything.
func (f figures) expect(t *testing.T, per1000, share, jain float64) {
	t.Helper()
	t.Log(f)
	if !underRace && (f.per1000 > per1000 || f.share < share || f.jain < jain) {
		t.Errorf("want at most %.1f of 429s per 1000, at least %.3f of the limit, Jain %.2f", per1000, share, jain)
	}
}

// TestManyPrograms prints what programs get that share a limit without knowing
// of each other: single runs of what internal/adapt's TestScenes holds to the project's
// targets, over the whole throttle.
func TestManyPrograms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		programs, callers, limit int
		per1000, share, jain     float64
	}{
		{1, 256, 1000, 0, 0.985, 1},
		{4, 64, 1000, 0.8, 0.95, 0.98},
		{16, 64, 1000, 2, 0.94, 0.98},
		{64, 16, 1000, 10, 0.85, 0.95},
		{8, 32, 100, 9, 0.85, 0},
	} {
		for _, algorithm := range algorithms {
			t.Run(fmt.Sprintf("%d programs, %d per 10s, %v", c.programs, c.limit, algorithm), func(t *testing.T) {
				measure(t, sim.Scenario{
					Limit: c.limit, Algorithm: algorithm, Duration: 10 * time.Minute,
					Programs: sim.Programs(c.programs, sim.Program{Client: sim.Throttled(c.limit), Callers: c.callers}),
				}).expect(t, c.per1000, c.share, c.jain)
			})
		}
	}
}

// TestOutsiderThatIgnoresLimits has four programs beside one that takes 40 % of
// the limit whatever it is answered.
func TestOutsiderThatIgnoresLimits(t *testing.T) {
	t.Parallel()
	for _, algorithm := range algorithms {
		t.Run(algorithm.String(), func(t *testing.T) {
			const callers = 40
			s := sim.Scenario{
				Limit: 1000, Algorithm: algorithm, Duration: length(),
				Programs: append(sim.Programs(4, sim.Program{Client: sim.Throttled(1000), Callers: 64}),
					sim.Program{Client: sim.Bare, Callers: callers, Every: time.Second}),
			}
			// The target is 0.90 of what is left, and single runs lie 0.02 around
			// it: with -seeds 12 the mean of the strictest server is at it.
			measure(t, s, 0, 1, 2, 3).expect(t, 5, 0.88, 0.98)
		})
	}
}

// TestStartTogether: sixteen programs of 64 callers that start at the same
// moment, each with the burst of a lone one, meet no more than 1.2 N 429s in
// their first minute.
func TestStartTogether(t *testing.T) {
	for _, algorithm := range algorithms {
		t.Run(algorithm.String(), func(t *testing.T) {
			f := measure(t, sim.Scenario{
				Limit: 1000, Algorithm: algorithm, Duration: time.Minute + time.Second,
				Programs: sim.Programs(16, sim.Program{Client: sim.Throttled(1000), Callers: 64}),
			})
			t.Logf("%.0f of 429s in the first minute", f.firstMinute)
			if f.firstMinute > 1200 {
				t.Error("want at most 1200")
			}
		})
	}
}

// TestLastOneTakesTheRest: three of four programs leave, and the last one is
// back at nine tenths of the limit within 26 windows.
func TestLastOneTakesTheRest(t *testing.T) {
	t.Parallel()
	for _, algorithm := range algorithms {
		t.Run(algorithm.String(), func(t *testing.T) {
			const leave = 5 * time.Minute
			programs := sim.Programs(4, sim.Program{Client: sim.Throttled(1000), Callers: 256, Until: leave})
			programs[0].Until = 0
			r := sim.Run(t, sim.Scenario{Limit: 1000, Algorithm: algorithm, Duration: 11 * time.Minute, Programs: programs, Seed: 1})
			for after := sim.Window; ; after += time.Second {
				if got := r.Accepted(0, leave+after-sim.Window, leave+after); got >= 900 {
					t.Logf("back at %d in a window %s after the others left", got, after)
					if after > 26*sim.Window {
						t.Error("want at most 26 windows")
					}
					return
				}
				if leave+after > 10*time.Minute {
					t.Fatal("never back")
				}
			}
		})
	}
}

// TestFifthJoinsFour: two minutes after a fifth program joined four, what the
// five got in half a minute is even to Jain 0.9, in the mean of two runs.
func TestFifthJoinsFour(t *testing.T) {
	t.Parallel()
	for _, algorithm := range algorithms {
		t.Run(algorithm.String(), func(t *testing.T) {
			const join, runs = 3 * time.Minute, 2
			programs := sim.Programs(5, sim.Program{Client: sim.Throttled(1000), Callers: 64})
			programs[4].From = join
			mean := 0.
			for seed := range uint64(runs) {
				r := sim.Run(t, sim.Scenario{Limit: 1000, Algorithm: algorithm, Duration: join + 2*time.Minute, Programs: programs, Seed: seed + 1})
				mean += r.Jain(join+90*time.Second, join+2*time.Minute) / runs
			}
			t.Logf("Jain %.3f from 90 to 120 s after it joined", mean)
			if !underRace && mean < 0.9 {
				t.Error("want at least 0.9")
			}
		})
	}
}

// TestIdleProgramIsANewcomerAgain: a program that learned a rate and was then
// idle for an hour sends a burst of the whole limit at once.
func TestIdleProgramIsANewcomerAgain(t *testing.T) {
	const idle = time.Hour
	programs := sim.Programs(4, sim.Program{Client: sim.Throttled(1000), Callers: 64, Until: 2 * time.Minute})
	// All callers of the first keep a call waiting through the idle hour.
	programs[0] = sim.Program{Client: sim.Throttled(1000), Callers: 1000, Gap: &sim.Gap{From: 2 * time.Minute, Until: 2*time.Minute + idle}}
	r := sim.Run(t, sim.Scenario{Limit: 1000, Algorithm: clerktest.SlidingLog, Duration: 3*time.Minute + idle, Programs: programs, Seed: 1})
	if r.Rejected(0, 2*time.Minute) == 0 {
		t.Fatal("nothing was learned before")
	}
	got := r.Accepted(0, 2*time.Minute+idle, 2*time.Minute+idle+time.Second)
	t.Logf("%d in the first second after an idle hour", got)
	if got < 1000 {
		t.Error("want the whole burst")
	}
}

// TestFourEndpoints shows both worlds: the server counts all endpoints
// together, or each apart. Learning is by endpoint, which is right in the second
// and costs some 429s in the first.
func TestFourEndpoints(t *testing.T) {
	t.Parallel()
	endpoints := []string{"/v1/users", "/v1/organizations", "/v1/sessions", "/v1/invitations"}
	for _, c := range []struct {
		name                 string
		perEndpoint          bool
		per1000, share, jain float64
	}{
		{"counted together", false, 5, 0.85, 0.9},
		{"counted apart", true, 5, 3.2, 0.9},
	} {
		for _, algorithm := range algorithms {
			if c.perEndpoint && algorithm != clerktest.SlidingLog && *seeds == 1 {
				continue // four times the requests, to see the same
			}
			t.Run(c.name+", "+algorithm.String(), func(t *testing.T) {
				client := sim.Throttled(1000)
				if c.perEndpoint {
					client = sim.ThrottledPerEndpoint(1000)
				}
				measure(t, sim.Scenario{
					Limit: 1000, Algorithm: algorithm, Duration: length(), Endpoints: endpoints, PerEndpoint: c.perEndpoint,
					Programs: sim.Programs(4, sim.Program{Client: client, Callers: 256}),
				}).expect(t, c.per1000, c.share, c.jain)
			})
		}
	}
}

// TestOtherArrivals has programs that do not keep the limit saturated: calls
// that come at random, at four fifths of the limit in all, and in bursts.
func TestOtherArrivals(t *testing.T) {
	t.Parallel()
	for _, burst := range []int{1, 20} {
		for _, algorithm := range algorithms {
			t.Run(fmt.Sprintf("bursts of %d, %v", burst, algorithm), func(t *testing.T) {
				const programs, callers = 4, 20
				f := measure(t, sim.Scenario{
					Limit: 1000, Algorithm: algorithm, Duration: length(),
					Programs: sim.Programs(programs, sim.Program{Client: sim.Throttled(1000), Callers: callers, Every: time.Second, Burst: burst}),
				})
				t.Log(f)
				if !underRace && (f.per1000 > 5 || f.share < 0.72) {
					t.Error("want at most 5 of 429s per 1000, and nine tenths of what was asked for")
				}
			})
		}
	}
}

// TestDay plays 24 virtual hours: no drift, no freeze, and every program gets
// its part in every hour.
func TestDay(t *testing.T) {
	if !*day {
		t.Log("24 virtual hours take some minutes: run it with -day")
		return
	}
	for _, programs := range []int{4, 16} {
		for _, algorithm := range algorithms {
			t.Run(fmt.Sprintf("%d programs, %v", programs, algorithm), func(t *testing.T) {
				r := sim.Run(t, sim.Scenario{
					Limit: 1000, Algorithm: algorithm, Duration: 24 * time.Hour, Seed: 1,
					Programs: sim.Programs(programs, sim.Program{Client: sim.Throttled(1000), Callers: 256 / programs}),
				})
				worst, least := 0.0, 1.0
				for hour := time.Hour; hour < 24*time.Hour; hour += time.Hour {
					worst = max(worst, r.Per1000(hour, hour+time.Hour))
					for p := range programs {
						fair := 360_000 / float64(programs)
						least = min(least, float64(r.Accepted(p, hour, hour+time.Hour))/fair)
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
}

// TestSameSeedSameRun: a run can be repeated.
func TestSameSeedSameRun(t *testing.T) {
	play := func(seed uint64) (accepted, rejected int) {
		r := sim.Run(t, sim.Scenario{
			Limit: 100, Algorithm: clerktest.SlidingLog, Duration: 2 * time.Minute, Seed: seed,
			Programs: sim.Programs(3, sim.Program{Client: sim.Throttled(100), Callers: 8, Every: 500 * time.Millisecond}),
		})
		return r.Total(0, 2*time.Minute), r.Rejected(0, 2*time.Minute)
	}
	a1, r1 := play(7)
	a2, r2 := play(7)
	if a1 != a2 || r1 != r2 {
		t.Errorf("accepted %d and %d, rejected %d and %d with the same seed", a1, a2, r1, r2)
	}
}
