package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"testing"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/peers"
)

var (
	update = flag.Bool("update", false, "play all comparisons anew and write RESULTS.md and the charts")
	render = flag.Bool("render", false, "write RESULTS.md and the charts anew from the figures that are there")
	every  = flag.Bool("peers", false, "compare all cases with what is written, not only some")
)

const (
	reportFile = "testdata/report.json"
	reportSeed = 1
)

// TestPeers checks RESULTS.md and the charts against the recorded figures, and the
// figures against new runs. Without -update and -peers it plays only the comparisons
// that take a moment.
func TestPeers(t *testing.T) {
	if *update {
		r := &Report{Seed: reportSeed}
		for _, c := range Cases() {
			for _, p := range c.peers() {
				r.Rows = append(r.Rows, Row{Case: c.Name, Peer: p.Name, Outcome: c.Play(t, p, r.Seed)})
			}
		}
		write(t, r)
	}
	r := read(t)
	if *render {
		write(t, r)
	}
	for name, want := range files(t, r) {
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the figures say (%v): run with -update", name, err)
		}
	}
	for _, c := range Cases() {
		for _, p := range c.peers() {
			was, ok := r.find(c, p)
			if !ok {
				t.Errorf("%s, %s: nothing is written of it: run with -update", c.Name, p.Name)
			}
			if *update || !*every && !quick(c, p) {
				continue
			}
			t.Run(c.Name+"/"+p.Name, func(t *testing.T) {
				is := c.Play(t, p, r.Seed)
				for n := 1; n < 5 && p.Loose && is.Slowdown > 4*was.Slowdown; n++ {
					is = c.Play(t, p, r.Seed) // a long run of a peer whose random numbers cannot be seeded
				}
				drift(t, p, was.Outcome, is)
			})
		}
	}
}

// quick selects the comparisons played every time: the throttle's own except the
// longest, and every peer's burst. Under the race detector it selects the burst only.
func quick(c Case, p peers.Peer) bool {
	switch c.Name {
	case "burst":
		return true
	case "people", "headerless", "outsider", "programs-4":
		return p.Name == peers.Throttle().Name && !underRace
	}
	return false
}

// drift reports figures that have moved. Which of two goroutines that wake at the
// same instant runs first moves them a little; a change in the throttle or in a
// peer's version, more.
func drift(t *testing.T, p peers.Peer, was, is Outcome) {
	t.Helper()
	time, count := 0.02, 0.05
	if p.Loose {
		time, count = 3, 0.5
	}
	t.Logf("429s %d (written: %d), time %.3f (%.3f)", is.Rejected, was.Rejected, is.Slowdown, was.Slowdown)
	if is.Finished != was.Finished {
		t.Errorf("%d calls finished, %d are written", is.Finished, was.Finished)
	}
	if math.Abs(is.Slowdown-was.Slowdown) > time*was.Slowdown {
		t.Errorf("time %.4f, %.4f is written, which is off by more than %.0f %%", is.Slowdown, was.Slowdown, 100*time)
	}
	if d := math.Abs(float64(is.Rejected - was.Rejected)); d > max(20, count*float64(was.Rejected)) && was.Rejected > 0 {
		t.Errorf("%d of 429s, %d are written, which is off by more than %.0f %%", is.Rejected, was.Rejected, 100*count)
	}
	if was.Rejected == 0 && is.Rejected > 0 {
		t.Errorf("%d of 429s, none are written", is.Rejected)
	}
}

// TestBestOfAllPeers: a program that has the limit to itself, and does not know how
// the server counts, gets its work done without a 429, and no peer is faster by more
// than a tie, in any scenario.
func TestBestOfAllPeers(t *testing.T) {
	r := read(t)
	for _, c := range Cases() {
		rows := r.Of(c)
		if len(rows) != 1+len(peers.All()) || rows[0].Peer != peers.Throttle().Name {
			t.Fatalf("%s: %d rows are written", c.Name, len(rows))
		}
		for _, v := range Judge(rows) {
			if v.Better && c.Lone() && c.Algorithm == clerktest.SlidingLog {
				t.Errorf("%s: %s is better: %s", c.Name, v.Peer, v.Why)
			}
			t.Logf("%s: %s: %s", c.Name, v.Peer, v.Why)
		}
		if c.Lone() && (rows[0].Rejected != 0 || rows[0].Failed != 0) {
			t.Errorf("%s: a lone program met %d of 429s and %d failures", c.Name, rows[0].Rejected, rows[0].Failed)
		}
		if !c.complete(rows[0].Outcome) {
			t.Errorf("%s: %d of %d calls finished", c.Name, rows[0].Finished, c.Calls)
		}
		for _, row := range rows[1:] {
			// Others share the limit: far fewer 429s than any peer.
			if !c.Lone() && c.Algorithm == clerktest.SlidingLog && 2*rows[0].Rejected > row.Rejected {
				t.Errorf("%s: %d of 429s, and %s met only %d", c.Name, rows[0].Rejected, row.Peer, row.Rejected)
			}
		}
	}
}

func read(t *testing.T) *Report {
	t.Helper()
	data, err := os.ReadFile(reportFile)
	if err != nil {
		t.Fatal(err)
	}
	r := new(Report)
	if err := json.Unmarshal(data, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// files are the report's files, and the figures that they are made from.
func files(t *testing.T, r *Report) map[string][]byte {
	t.Helper()
	all, err := r.Files()
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	all[reportFile] = append(data, '\n')
	return all
}

func write(t *testing.T, r *Report) {
	t.Helper()
	for name, data := range files(t, r) {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
