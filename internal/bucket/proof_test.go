package bucket

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// request is one that was sent: it reaches the server at some moment between
// sending and answer.
type request struct {
	arrives, answered time.Duration
	lost              bool // surely never left
}

// trip draws what the way of a request sent now looks like.
type trip func(rng *rand.Rand, now time.Duration) request

// The ways that matter: arrivals that bunch up, arrivals at either end of what
// the proof allows, and no latency at all.
var trips = map[string]trip{
	"anywhere": func(rng *rand.Rand, now time.Duration) request {
		latency := time.Duration(rng.Int64N(int64(3 * window)))
		return request{arrives: now + time.Duration(rng.Int64N(int64(latency)+1)), answered: now + latency}
	},
	"at once": func(_ *rand.Rand, now time.Duration) request {
		return request{arrives: now, answered: now}
	},
	"on departure": func(rng *rand.Rand, now time.Duration) request {
		return request{arrives: now, answered: now + time.Duration(rng.Int64N(int64(step)))}
	},
	"with the answer": func(rng *rand.Rand, now time.Duration) request {
		at := now + time.Duration(rng.Int64N(int64(window)))
		return request{arrives: at, answered: at}
	},
	"in bunches": func(rng *rand.Rand, now time.Duration) request {
		at := (now/window + 1) * window // all that are sent in a window
		return request{arrives: at, answered: at + time.Duration(rng.Int64N(int64(step)))}
	},
	"or not at all": func(rng *rand.Rand, now time.Duration) request {
		at := now + time.Duration(rng.Int64N(int64(step)))
		return request{arrives: at, answered: at, lost: rng.IntN(3) == 0}
	},
}

// arrivals sends requests as fast as a bucket allows, and now and then not so
// fast, and returns when they reached the server, in order.
func arrivals(t *testing.T, rng *rand.Rand, limit, requests int, way trip) []time.Duration {
	t.Helper()
	var (
		w   = New(limit, window)
		now time.Duration
		out []request // in flight, by the time of their answer
		log []time.Duration
	)
	settle := func() {
		r := out[0]
		out = slices.Delete(out, 0, 1)
		now = max(now, r.answered)
		if r.lost {
			w.Cancel()
		} else {
			w.Settle(now)
		}
		conserved(t, &w, now)
	}
	for sent := 0; sent < requests; {
		for len(out) > 0 && out[0].answered <= now {
			settle()
		}
		switch {
		case w.Ready(now) && rng.IntN(64) == 0: // idle for a while
			now += time.Duration(rng.Int64N(int64(2 * window)))
		case w.Ready(now):
			w.Take(now)
			conserved(t, &w, now)
			r := way(rng, now)
			i, _ := slices.BinarySearchFunc(out, r, func(a, b request) int { return int(a.answered - b.answered) })
			out = slices.Insert(out, i, r)
			if !r.lost {
				log = append(log, r.arrives)
			}
			sent++
		case w.returns.len() > 0 && (len(out) == 0 || w.When(now, 0, 0, 0) < out[0].answered):
			now = w.When(now, 0, 0, 0)
		default:
			settle()
		}
	}
	slices.Sort(log)
	return log
}

// No half-open window of length W holds more than N of the sorted arrivals just
// if every arrival is at least W after the one N before it: a window with N+1
// in it would hold two that are N apart in order and less than W in time.
func checkArrivals(t *testing.T, log []time.Duration, limit int) {
	t.Helper()
	for i := limit; i < len(log); i++ {
		if log[i]-log[i-limit] < window {
			t.Fatalf("arrivals %d to %d lie within %v: %d in a window of %v, the limit is %d",
				i-limit, i, log[i]-log[i-limit], limit+1, window, limit)
		}
	}
}

func TestNoWindowHoldsMoreThanNArrivalsWhateverTheLatency(t *testing.T) {
	for name, way := range trips {
		t.Run(name, func(t *testing.T) {
			for _, limit := range []int{1, 2, 3, 7, 20, 100} {
				for seed := range uint64(10) {
					rng := rand.New(rand.NewPCG(seed, uint64(limit)))
					checkArrivals(t, arrivals(t, rng, limit, 20*limit+50, way), limit)
				}
			}
		})
	}
}

// The whole limit is there to be used: without latency a window holds N.
func TestQuotaIsNotLeftUnused(t *testing.T) {
	for _, limit := range []int{1, 2, 5, 64} {
		w, now, sent := New(limit, window), t0, 0
		for now < 10*window {
			for w.Ready(now) {
				w.Take(now)
				w.Settle(now)
				sent++
			}
			now = w.When(now, 0, 0, 0)
		}
		if sent != 10*limit {
			t.Errorf("limit %d: %d sent in ten windows, want %d", limit, sent, 10*limit)
		}
	}
}

// server decides over an arrival; arrivals come in order.
type server func(at time.Duration) bool

func servers(limit int, phase time.Duration) map[string]server {
	var (
		n       = time.Duration(limit)
		current time.Duration
		count   int
		log     []time.Duration
		// The token bucket counts in units of 1/W of a token, so it is exact.
		tokens, last = n * window, time.Duration(0)
	)
	return map[string]server{
		"fixed window": func(at time.Duration) bool {
			if k := (at + phase) / window; k != current {
				current, count = k, 0
			}
			count++
			return count <= limit
		},
		"sliding log": func(at time.Duration) bool {
			log = append(log, at)
			for log[0] <= at-window {
				log = log[1:]
			}
			return len(log) <= limit
		},
		"token bucket": func(at time.Duration) bool {
			tokens = min(tokens+min(at-last, window)*n, n*window)
			last = at
			tokens -= window
			return tokens >= 0
		},
	}
}

func TestNoKindOfServerRefusesALoneSender(t *testing.T) {
	for name, way := range trips {
		for _, limit := range []int{1, 3, 50} {
			rng := rand.New(rand.NewPCG(1, uint64(limit)))
			log := arrivals(t, rng, limit, 40*limit+50, way)
			for kind, accepts := range servers(limit, time.Duration(rng.Int64N(int64(window)))) {
				t.Run(fmt.Sprintf("%s/%s/%d", kind, name, limit), func(t *testing.T) {
					for i, at := range log {
						if !accepts(at) {
							t.Fatalf("arrival %d of %d, at %v, is refused", i, len(log), at)
						}
					}
				})
			}
		}
	}
}
