package tally

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestQuantileIsAtMostAQuarterAboveTheTrueOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var h Histogram
		var all []time.Duration
		for range 1 + random.IntN(500) {
			w := time.Duration(random.Int64N(int64(1) << (10 + random.IntN(32))))
			h.Note(w)
			all = append(all, w)
		}
		slices.Sort(all)
		for _, q := range []float64{0, 0.5, 0.9, 0.99, 1} {
			exact := all[min(int(q*float64(len(all))), len(all)-1)]
			got := h.Quantile(q)
			if got < exact || float64(got) > 1.25*float64(exact)+float64(2*time.Millisecond) {
				t.Fatalf("quantile %v of %d waits is %s, exactly %s", q, len(all), got, exact)
			}
		}
		if h.Max() != all[len(all)-1] {
			t.Fatalf("max %s, want %s", h.Max(), all[len(all)-1])
		}
	}
}

func TestEveryWaitLiesInItsBucket(t *testing.T) {
	for ms := range int64(5000) {
		w := time.Duration(ms) * time.Millisecond
		i := bucketOf(w)
		if w > upperBound(i) || i > 0 && w <= upperBound(i-1) {
			t.Fatalf("%s is in bucket %d, which ends at %s", w, i, upperBound(i))
		}
	}
	if i := bucketOf(time.Duration(1<<63 - 1)); i != buckets-1 {
		t.Errorf("the longest wait is in bucket %d", i)
	}
	if i := bucketOf(-time.Second); i != 0 {
		t.Errorf("a negative wait is in bucket %d", i)
	}
}

func TestEmptyHistogram(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 || h.Max() != 0 {
		t.Error("an empty histogram has waits")
	}
}

func TestHistoryForgetsAfterTenMinutes(t *testing.T) {
	var h History
	if len(h.Slices(time.Hour)) != 0 {
		t.Fatal("history before the first note")
	}
	start := time.Hour
	h.Note(start, Counts{Sent: 1}, 0)
	h.Note(start+25*time.Second, Counts{Sent: 2, Throttled: 1}, time.Second)
	got := h.Slices(start + 31*time.Second)
	if len(got) != 4 {
		t.Fatalf("%d slices, want 4: %+v", len(got), got)
	}
	if got[0].Sent != 1 || got[1].Sent != 0 || got[2].Sent != 2 || got[2].Wait != time.Second || got[3].Sent != 0 {
		t.Errorf("slices %+v", got)
	}
	if got[2].Start != start+20*time.Second {
		t.Errorf("the third slice starts at %s", got[2].Start)
	}
	if got := h.Slices(start + 9*time.Minute + 59*time.Second); got[0].Sent != 1 || len(got) != 60 {
		t.Errorf("the first note is gone too soon")
	}
	if got := h.Slices(start + 10*time.Minute); len(got) == 0 || got[0].Sent == 1 {
		t.Errorf("the first note is still there: %+v", got[0])
	}
	h.Note(start+time.Hour, Counts{Refused: 1}, 0)
	if got := h.Slices(start + time.Hour); len(got) != 1 || got[0].Refused != 1 {
		t.Errorf("after an hour's gap: %+v", got)
	}
}

// TestHistoryAgreesWithAModel records at random and compares with plain sums.
func TestHistoryAgreesWithAModel(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var h History
	model := map[time.Duration]int64{}
	now := time.Duration(0)
	for range 20000 {
		now += time.Duration(random.Int64N(int64(5 * time.Second)))
		h.Note(now, Counts{Sent: 1}, 0)
		model[now/SliceLength*SliceLength]++
		if random.IntN(50) > 0 {
			continue
		}
		for _, s := range h.Slices(now) {
			if model[s.Start] != s.Sent {
				t.Fatalf("slice of %s has %d, want %d", s.Start, s.Sent, model[s.Start])
			}
		}
	}
}

func TestUndoneNoteLeavesNoTrace(t *testing.T) {
	var h Histogram
	var history History
	c := Counts{Sent: 1, Waited: 2, Refused: 3, Throttled: 4, Retried: 5}
	h.Note(time.Second)
	h.Note(time.Minute)
	h.Unnote(time.Second)
	if q := h.Quantile(0); q != time.Minute {
		t.Errorf("what is left has the quantile %s", q)
	}
	history.Note(9*time.Second, c, time.Second)
	history.Note(11*time.Second, Counts{Sent: 1}, 0)
	history.Note(9*time.Second, c.Negative(), -time.Second) // of the slice it was in
	if got := history.Slices(11 * time.Second); len(got) != 1 || got[0].Sent != 1 {
		t.Errorf("history %+v", got)
	}
	history.Note(11*time.Minute, Counts{}, 0)
	history.Note(9*time.Second, Counts{Sent: -7}, 0) // its slice is gone
	for _, s := range history.Slices(11 * time.Minute) {
		if s.Sent < 0 {
			t.Errorf("%+v", s)
		}
	}
}

func TestZerosShiftQuantiles(t *testing.T) {
	var h Histogram
	h.Note(time.Minute)
	with := h.WithZeros(9)
	if p50, max := with.Quantile(0.5), with.Quantile(1); p50 >= time.Millisecond || max != time.Minute {
		t.Errorf("half at %s, all at %s", p50, max)
	}
	if p50 := h.Quantile(0.5); p50 != time.Minute {
		t.Errorf("the original has changed: %s", p50)
	}
	if many := h.WithZeros(1 << 40); many.Quantile(0.9999) >= time.Millisecond {
		t.Error("a great many count as few")
	}
}

func TestLongestWaitsAreNotCutShort(t *testing.T) {
	var h Histogram
	h.Note(50 * time.Hour)
	if q := h.Quantile(0.5); q != 50*time.Hour {
		t.Errorf("50 hours are %s", q)
	}
}

func TestHistoryOfCenturiesDoesNotWrap(t *testing.T) {
	var h History
	for range 3 {
		h.Note(0, Counts{}, 1<<62)
	}
	if got := h.Slices(0)[0].Wait; got != 1<<63-1 {
		t.Errorf("%s", got)
	}
}
