package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"
)

// verdict says what the run showed, and returns an error where it fell short.
func (f *fleet) verdict(ctx context.Context) error {
	calls, end := f.redis.total(ctx), f.marks[theEnd]
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	short := false
	check := func(ok bool, what, format string, args ...any) {
		verdict := "ok"
		if !ok {
			verdict, short = "SHORT", true
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", verdict, what, fmt.Sprintf(format, args...))
	}
	// The limit allows N at once and then N per window. A token is out for as
	// long as its request takes, which no client can avoid: that is the ceiling.
	allowed := float64(f.limit) * f.duration.Seconds() / f.window.Seconds()
	mean := (nearest + farthest) / 2
	ceiling := f.window.Seconds() / (f.window + mean).Seconds()
	share := float64(end.Accepted) / allowed
	want := 0.995
	switch {
	case f.kill || f.restart:
		want = 0.8
	case f.window < 10*time.Second: // what an answer takes weighs more
		want = 0.965
	}
	check(share >= want, "share of the limit", "%.4f of %.0f requests (want ≥ %.3f; steady ceiling at this latency %.3f)", share, allowed, want, ceiling)
	before := end
	if f.restart {
		before = f.marks[redisKilled]
		rejected, n := end.Rejected-before.Rejected, end.Accepted+end.Rejected-before.Accepted-before.Rejected
		check(100*rejected <= n, "429s from Redis's death on", "%d of %d requests (want ≤ 1 %%), %d of them while it was away", rejected, n, f.marks[redisStarted].Rejected-before.Rejected)
	}
	check(before.Rejected == 0, "429s with Redis there", "%d of %d requests", before.Rejected, before.Accepted+before.Rejected)

	var done []float64
	failed := 0
	for i := range f.members {
		switch m := &f.members[i]; {
		case m.killed.Load():
		case m.ended.Load():
			failed++ // and has said why
		default:
			done = append(done, float64(m.done.Load()))
		}
	}
	fair := 0.999
	if f.kill || f.restart {
		fair = 0.99
	}
	check(jain(done) >= fair, "fairness (Jain)", "%.4f (want ≥ %.3f); requests by program: %.0f", jain(done), fair, done)
	check(failed == 0, "programs that failed", "%d of %d", failed, len(f.members))
	most := 0.5
	if f.limit >= 1000 && f.window >= 10*time.Second { // a heartbeat a second is little then
		most = 0.15
	}
	perRequest := float64(calls) / float64(max(end.Accepted, 1))
	check(perRequest <= most, "calls to Redis for a request", "%.3f (want ≤ %.2f)", perRequest, most)
	fmt.Println()
	w.Flush()
	if short {
		return errors.New("the run fell short")
	}
	fmt.Println("\nThe fleet behaved as one program would.")
	return nil
}

// jain is Jain's index of fairness: 1 if all have the same, 1/n if one has all.
func jain(x []float64) float64 {
	sum, squares := 0., 0.
	for _, v := range x {
		sum += v
		squares += v * v
	}
	if squares == 0 {
		return 0
	}
	return sum * sum / (float64(len(x)) * squares)
}
