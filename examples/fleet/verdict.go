package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
)

// verdict says what the run showed, and returns an error where it fell short.
func (f *fleet) verdict(ctx context.Context) error {
	calls, took := f.redis.totals(ctx)
	end := f.marks[len(f.marks)-1]
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	short := false
	check := func(ok bool, what, format string, args ...any) {
		verdict := "ok"
		if !ok {
			verdict, short = "SHORT", true
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", verdict, what, fmt.Sprintf(format, args...))
	}
	for _, e := range f.events {
		fmt.Println(e)
	}

	// The limit allows N at once and then N per window. A token is out for as
	// long as its request takes, which no client can avoid: that is the ceiling.
	allowed := float64(f.limit) * f.duration.Seconds() / f.window.Seconds()
	mean := (f.latency[0] + f.latency[1]) / 2
	ceiling := f.window.Seconds() / (f.window + mean).Seconds()
	share := float64(end.accepted) / allowed
	want := 0.96
	if f.kill || f.restart {
		want = 0.8
	}
	check(share >= want, "share of the limit", "%.3f of %.0f requests (want ≥ %.2f; steady ceiling at this latency %.3f)", share, allowed, want, ceiling)

	rejected := end.rejected
	if f.restart {
		before, down := f.at("Redis is killed"), f.at("Redis is started, empty")
		check(before.rejected == 0, "429s with Redis there", "%d of %d requests", before.rejected, before.accepted)
		rejected -= before.rejected
		n := end.accepted - before.accepted + rejected
		check(float64(rejected) <= 0.01*float64(n), "429s from its death on", "%d of %d requests (want ≤ 1 %%), %d of them while it was away", rejected, n, down.rejected-before.rejected)
	} else {
		check(rejected == 0, "429s", "%d of %d requests", rejected, end.accepted+rejected)
	}

	var done []float64
	failed, firstErr, losses := int64(0), "", 0
	for i, m := range f.members {
		p, dead := m.progress()
		failed += p.Failed
		losses += p.Losses
		if p.FirstErr != "" {
			firstErr = p.FirstErr
		}
		if !dead {
			done = append(done, float64(end.done[i]))
		}
	}
	check(jain(done) >= 0.99, "fairness (Jain)", "%.4f; requests by program: %.0f", jain(done), done)
	check(failed == 0, "requests that failed", "%d %s", failed, firstErr)
	perRequest := float64(calls) / float64(max(end.accepted, 1))
	check(perRequest <= 0.5, "calls to Redis for a request", "%.2f (want ≤ 0.5)", perRequest)
	each := took / time.Duration(max(calls, 1))
	half := f.redis.median(ctx)
	if half == 0 {
		half = each
	}
	fmt.Fprintf(w, "\ttime of a call in Redis\thalf take at most %s, %s on average, on a machine as busy as this\n", half, each)
	w.Flush()
	planned := 0
	if f.restart {
		planned = len(done)
	}
	if losses > planned {
		fmt.Printf("\nPrograms lost Redis %d times more than planned: this machine was too busy to answer within %s.\n", losses-planned, redisbudget.DefaultTimeout)
	}
	if short {
		return errors.New("the run fell short")
	}
	fmt.Println("\nThe fleet behaved as one program would.")
	return nil
}

// at returns the mark of that name.
func (f *fleet) at(name string) mark {
	for _, m := range f.marks {
		if m.name == name {
			return m
		}
	}
	return mark{}
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
