package adapt

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

const second = time.Second

// busy sends and answers so many requests a second from one moment to another, as far
// as r allows, and returns how many it sent.
func busy(r *Rate, from, to time.Duration, perSecond float64) (sent int) {
	step := time.Duration(float64(second) / perSecond)
	for now := from; now < to; now += step {
		if r.Ready(now) {
			r.Take(now)
			r.Answered(now)
			sent++
		}
	}
	return sent
}

// learnedAt returns a rate of 1000 per 10 s that met its first event while so many
// requests a second were accepted.
func learnedAt(t *testing.T, perSecond float64) *Rate {
	t.Helper()
	r := New(1000, window, false)
	busy(r, 0, 20*second, perSecond)
	if !r.Throttled(20*second, 20*second, 21*second) {
		t.Fatal("the first 429 opened no event")
	}
	return r
}

// grownUp returns a rate after so many events, and when the last one's block ends.
func grownUp(t *testing.T, events int) (*Rate, time.Duration) {
	t.Helper()
	r := learnedAt(t, 50)
	for r.events < events {
		now := r.unblockedAt + window
		busy(r, r.unblockedAt, now, 200)
		r.Throttled(now, now, now+second)
	}
	return r, r.unblockedAt
}

func TestEventCountsOnceHoweverMany429s(t *testing.T) {
	r := learnedAt(t, 100)
	base, events := r.base, r.events
	for i := range 100 {
		// Late answers to what was sent before the block's end.
		now := 20*second + time.Duration(i)*50*time.Millisecond
		if r.Throttled(now, min(now, 21*second-1), now+second) {
			t.Fatalf("429 number %d opened an event", i+2)
		}
	}
	if r.base != base || r.events != events {
		t.Errorf("base %v → %v, events %d → %d", base, r.base, events, r.events)
	}
	if !r.Throttled(26*second, 21*second, 27*second) {
		t.Error("a 429 to a request sent after the block opened no event")
	}
}

// A 429 that extended its own event would freeze the rate for as long as they come.
func TestLate429DoesNotExtendTheEvent(t *testing.T) {
	r := learnedAt(t, 100)
	since := r.unblockedAt
	r.Throttled(25*second, 20*second, 40*second)
	if r.unblockedAt != since {
		t.Errorf("the climb starts at %v, was %v", r.unblockedAt, since)
	}
}

func TestNeverAboveTheLimitNorBelowTheFloor(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		limit := 1 + rng.IntN(2000)
		r := New(limit, window, false)
		full := float64(limit) / window.Seconds()
		var now time.Duration
		for range 2000 {
			now += time.Duration(rng.ExpFloat64() * float64(second) * math.Pow(10, 3*rng.Float64()-2))
			switch rng.IntN(4) {
			case 0:
				sent := now - time.Duration(rng.Int64N(int64(2*second)))
				r.Throttled(now, sent, now+time.Duration(rng.IntN(12))*second)
			case 1:
				for range rng.IntN(limit + 1) {
					r.Answered(now)
				}
			default:
				if at := r.When(now, 0); r.Ready(now) {
					r.Take(now)
				} else if at <= now {
					t.Fatalf("not ready at %v, and ready at %v", now, at)
				}
			}
			got := r.PerSecond(now)
			if !(got >= (1-1e-12)/window.Seconds() && got <= full) {
				t.Fatalf("limit %d: %v a second of %v", limit, got, full)
			}
		}
	}
}

func TestClimbsMonotonouslyBetweenEvents(t *testing.T) {
	for events := 1; events < 6; events++ {
		r, now := grownUp(t, events)
		last := r.PerSecond(now)
		for end := now + 40*window; now < end; now += 37 * time.Millisecond {
			got := r.PerSecond(now)
			if got < last {
				t.Fatalf("after %d events: fell from %v to %v", events, last, got)
			}
			last = got
		}
		if last != r.full {
			t.Errorf("after %d events: at %v of %v 40 windows later", events, last, r.full)
		}
	}
}

func TestReadyAgreesWithWhen(t *testing.T) {
	r, now := grownUp(t, 4)
	for range 1000 {
		if r.Ready(now) {
			r.Take(now)
			continue
		}
		at := r.When(now, 0)
		if r.Ready(at - 2*time.Millisecond) {
			t.Fatalf("ready before %v", at)
		}
		if at <= now {
			t.Fatalf("not ready at %v but at %v", now, at)
		}
		now = at
	}
	if a, b := r.When(now, 0), r.When(now, 10); b <= a {
		t.Errorf("the eleventh at %v, the first at %v", b, a)
	}
}

func TestLearnedRateIsKept(t *testing.T) {
	r, since := grownUp(t, 4)
	sent := busy(r, since, since+10*window, 1000)
	want := r.base * (10 * window).Seconds()
	if math.Abs(float64(sent)-want) > 0.02*want {
		t.Errorf("%d sent in ten windows, want %v", sent, want)
	}
}

// A learned burst is small: a block's end must not let the block's worth go at once.
func TestNoHerdAtTheBlocksEnd(t *testing.T) {
	r, since := grownUp(t, 4)
	now := since + 5*window
	n := 0
	for r.Ready(now) {
		r.Take(now)
		n++
	}
	if most := math.Ceil(r.base * window.Seconds() * burst); float64(n) > most {
		t.Errorf("%d at once, want at most %v", n, most)
	}
}

func TestNoLimitIsHeldForEver(t *testing.T) {
	for _, c := range []struct {
		limit  int
		window time.Duration
	}{{1, time.Hour}, {25, time.Hour}, {3, 10 * second}, {1, 1}, {1 << 30, time.Millisecond}} {
		r := New(c.limit, c.window, false)
		var now time.Duration
		for range 100 {
			if r.Ready(now) {
				r.Take(now)
				r.Answered(now)
			}
			r.Throttled(now, now, now+second)
			now = r.When(now, 0)
			if now == math.MaxInt64 {
				t.Fatalf("%d in %v: never again", c.limit, c.window)
			}
		}
	}
}

func BenchmarkNothingLearned(b *testing.B) {
	r := New(1<<30, window, false)
	b.ReportAllocs()
	var now time.Duration
	for b.Loop() {
		now += time.Microsecond
		r.Ready(now)
		r.Take(now)
		r.Answered(now)
	}
}

func BenchmarkLearned(b *testing.B) {
	r := New(1000, window, false)
	r.Throttled(0, 0, second)
	b.ReportAllocs()
	var now time.Duration
	for b.Loop() {
		now += time.Microsecond
		if r.Ready(now) {
			r.Take(now)
		}
		r.Answered(now)
	}
}

func TestWhenDoesNotOverflow(t *testing.T) {
	r, _ := grownUp(t, 4)
	r.unblockedAt = math.MaxInt64 / 2 // with 32-bit ints, ahead cannot be large
	if at := r.When(r.unblockedAt, math.MaxInt); at < r.unblockedAt {
		t.Errorf("at %v", at)
	}
}

// Right after an event a rate is low, and a queue would take hours at it; it
// climbs, and the queue takes minutes.
func TestWhenCountsTheClimbIn(t *testing.T) {
	learned := func() *Rate {
		r, _ := grownUp(t, 4)
		return r
	}
	for _, ahead := range []int{0, 50, 500, 1500} {
		r := learned()
		from := r.unblockedAt
		said := r.When(from, ahead) - from
		if plain := time.Duration(float64(ahead+1) / r.base * float64(second)); said > plain {
			t.Errorf("%d ahead: said %s, and at the present rate %s", ahead, said, plain)
		}
		now := from
		for left := ahead + 1; left > 0; now += 5 * time.Millisecond {
			for left > 0 && r.Ready(now) {
				r.Take(now)
				left--
			}
		}
		if off := float64(now-from-said) - 0.05*float64(said); off < -0.1*float64(said)-float64(second) || off > 0.2*float64(said)+float64(second) {
			t.Errorf("%d ahead: said %s, took %s", ahead, said, now-from)
		}
	}
}

func TestNothingLearnedHoldsNobody(t *testing.T) {
	r := New(1000, window, false)
	for range 5000 {
		if !r.Ready(0) || r.When(0, 1<<30) != 0 {
			t.Fatal("held")
		}
		r.Take(0)
	}
	if r.Learned(0) || !r.Idle(0) || r.PerSecond(0) != 100 {
		t.Errorf("learned from nothing: %v a second", r.PerSecond(0))
	}
}

func TestFirstEventStartsFromWhatWasGot(t *testing.T) {
	for _, perSecond := range []float64{1, 10, 90} {
		got := learnedAt(t, perSecond).base
		if want := perSecond * (1 - standard.entryCut); math.Abs(got-want) > 0.1*want {
			t.Errorf("at %v a second: left with %v, want %v", perSecond, got, want)
		}
	}
}

// A lone program that met another's 429 has its limit back soon.
func TestYouthIsOverFast(t *testing.T) {
	r := learnedAt(t, 90)
	if !r.Learned(r.unblockedAt + window/2) {
		t.Fatal("nothing learned")
	}
	now := r.unblockedAt + 2*window
	if r.Learned(now) || !r.Idle(now) {
		t.Errorf("still at %v a second two windows later", r.PerSecond(now))
	}
}

func TestHoldsAfterAnEvent(t *testing.T) {
	r, since := grownUp(t, 5)
	if got := r.PerSecond(since + 16*window); got != r.base {
		t.Errorf("%v, left with %v", got, r.base)
	}
	if got := r.PerSecond(since + 17*window); !(got > r.base) {
		t.Errorf("no climb after the hold: %v", got)
	}
}

// When the others leave, the whole limit is back within 26 windows, whatever was left
// of it.
func TestTakesBackWhatOthersLeave(t *testing.T) {
	r, since := grownUp(t, 5)
	if got := r.PerSecond(since + 26*window); got != r.full {
		t.Errorf("%v of %v a second after 260 s", got, r.full)
	}
}

// A server that goes on refusing must be heeded, or the rate would freeze in a storm
// of 429s.
func TestEndless429sReachTheFloor(t *testing.T) {
	r := learnedAt(t, 100)
	for now := r.unblockedAt; now < 2*time.Minute; now = r.unblockedAt {
		r.Throttled(now, now, now+second)
	}
	if got := r.PerSecond(r.unblockedAt); got > 0.11 {
		t.Errorf("%v a second after minutes of nothing but 429s, floor 0.1", got)
	}
	if got := r.PerSecond(r.unblockedAt + 30*window); got != r.full {
		t.Errorf("%v a second 30 windows later", got)
	}
}

// A block is shorter than the server's window: every second another 429. The rate
// left by the first has not been tried; it must not be halved ten times.
func TestBlocksTooShortDoNotGrindTheRateDown(t *testing.T) {
	r := learnedAt(t, 10)
	base := r.base
	for now := r.unblockedAt + second/20; now < 20*second+window; now = r.unblockedAt + second/20 {
		r.Throttled(now, now, now+second)
	}
	if r.base != base {
		t.Errorf("from %v to %v", base, r.base)
	}
}

// A program that asks for little must not be cut to that.
func TestLightUseIsNotTakenForAShare(t *testing.T) {
	r, since := grownUp(t, 4)
	base := r.base
	now := since + 17*window
	busy(r, since, now, 0.2)
	r.Throttled(now, now, now+second)
	if want := base * (1 - standard.plainCut); r.base < want*(1-1e-9) {
		t.Errorf("cut from %v to %v by an event in light use", base, r.base)
	}
}

// A server that saves tokens spends them before it refuses: the accepted rate of the
// last window is too high, and two events show it.
func TestBankedTokensAreNotTakenForARate(t *testing.T) {
	r, since := grownUp(t, 4)
	far := since + 23*window
	busy(r, since, far, 1000)
	r.Throttled(far, far, far+second)
	if !r.overshot {
		t.Fatal("not a far climb")
	}
	share, soon := r.average, r.unblockedAt
	for sent := 0.; sent < share*(soon-r.metAt).Seconds(); soon += 10 * time.Millisecond {
		if r.Ready(soon) {
			r.Take(soon)
			r.Answered(soon)
			sent++
		}
	}
	soon = max(soon, r.unblockedAt+window)
	r.accepted = share * (soon - r.metAt).Seconds()
	r.Throttled(soon, soon, soon+second)
	if !r.serverBanksTokens {
		t.Fatal("not seen")
	}
	if r.base > share || r.base < 0.9*share {
		t.Errorf("left with %v, got %v on average", r.base, share)
	}
	// An unexpected early event ends the belief: if only some programs held it, they
	// would give their shares to the others.
	now := r.unblockedAt + 8*window
	busy(r, r.unblockedAt, now, 1000)
	r.Throttled(now, now, now+second)
	if r.serverBanksTokens {
		t.Error("still believed")
	}
}

func TestYieldingGivesWay(t *testing.T) {
	for _, yields := range []bool{false, true} {
		r := New(1000, window, yields)
		busy(r, 0, 20*second, 50)
		r.Throttled(20*second, 20*second, 21*second)
		if kept := r.base / 50; yields != (kept < 0.5) {
			t.Errorf("yields %v: kept %v", yields, kept)
		}
	}
}

func TestCancelledTokenIsGivenBack(t *testing.T) {
	r, now := grownUp(t, 4)
	n := 0
	for r.Ready(now) {
		r.Take(now)
		n++
	}
	for range 2 * n {
		r.Cancel(now)
	}
	for range n {
		if !r.Ready(now) {
			t.Fatal("not given back")
		}
		r.Take(now)
	}
	if r.Ready(now) {
		t.Error("more given back than a burst holds")
	}
}

func TestLearningAllocatesOnce(t *testing.T) {
	r := New(1000, window, false)
	r.Throttled(0, 0, second)
	var now time.Duration
	if n := testing.AllocsPerRun(1000, func() {
		now += 20 * time.Millisecond
		if r.Ready(now) {
			r.Take(now)
		}
		r.Answered(now)
		if now%second == 0 {
			r.Throttled(now, now, now+second)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
