package adapt

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

const second = time.Second

// busy has r send and get answers at so many a second from one moment to
// another, as far as r lets it, and returns how many there were.
func busy(r *Rate, from, to time.Duration, perSecond float64) (sent int) {
	step := time.Duration(float64(second) / perSecond)
	for now := from; now < to; now += step {
		if ok, _ := r.Ready(now); ok {
			r.Take(now)
			r.Answered(now, now)
			sent++
		}
	}
	return sent
}

// learnedAt returns a rate of 1000 in 10 s that met its first event in the
// middle of so many requests a second.
func learnedAt(t *testing.T, perSecond float64) *Rate {
	t.Helper()
	r := New(1000, window)
	busy(r, 0, 20*second, perSecond)
	if !r.Throttled(20*second, 20*second, 21*second) {
		t.Fatal("the first 429 opened no event")
	}
	return r
}

// grownUp returns a rate that has met so many events, the last one's block
// ending at the returned time.
func grownUp(t *testing.T, events int) (*Rate, time.Duration) {
	t.Helper()
	r := learnedAt(t, 50)
	for r.events < events {
		now := r.since + 4*window
		busy(r, r.since, now, 200)
		r.Throttled(now, now, now+second)
	}
	return r, r.since
}

func TestNothingLearnedNeverBinds(t *testing.T) {
	// What a window bucket lets through: N at once, as often as once a window.
	r := New(1000, window)
	for start := time.Duration(0); start < 10*window; start += window {
		for range 1000 {
			if ok, at := r.Ready(start); !ok {
				t.Fatalf("at %v: held until %v", start, at)
			}
			r.Take(start)
		}
		if start == 0 {
			if ok, _ := r.Ready(start); ok {
				t.Fatal("a burst of more than the limit")
			}
		}
	}
	if r.Learned(10 * window) {
		t.Error("learned from nothing")
	}
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
	since := r.since
	r.Throttled(25*second, 20*second, 40*second)
	if r.since != since {
		t.Errorf("the climb starts at %v, was %v", r.since, since)
	}
}

func TestFirstEventStartsFromWhatWasGot(t *testing.T) {
	for _, c := range []struct{ perSecond, want float64 }{
		{10, 8},         // 80 % of it
		{1, 100. / 128}, // not less than the least entry
		{90, 100. / 8},  // not more than the most: a burst says nothing of a share
	} {
		got := learnedAt(t, c.perSecond).base
		if math.Abs(got-c.want) > 0.02*c.want {
			t.Errorf("at %v a second: left with %v, want %v", c.perSecond, got, c.want)
		}
	}
}

func TestNeverAboveTheLimitNorBelowTheFloor(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		limit := 1 + rng.IntN(2000)
		r := New(limit, window)
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
					r.Answered(now, now)
				}
			default:
				if ok, at := r.Ready(now); ok {
					r.Take(now)
				} else if at <= now {
					t.Fatalf("not ready at %v, and ready at %v", now, at)
				}
			}
			got := r.PerSecond(now)
			if !(got >= full*floorShare*(1-1e-12) && got <= full) {
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

// Others leave: the whole limit is back in time for the target of 240 s.
func TestTakesBackWhatOthersLeave(t *testing.T) {
	r, since := grownUp(t, 5)
	if got := r.PerSecond(since + 230*second); got < 0.9*r.full {
		t.Errorf("%v of %v a second after 230 s", got, r.full)
	}
}

func TestHoldsAfterAnEvent(t *testing.T) {
	r, since := grownUp(t, 5)
	if got := r.PerSecond(since + holdWindows*window); got != r.base {
		t.Errorf("%v, left with %v", got, r.base)
	}
}

func TestReadyAgreesWithWhen(t *testing.T) {
	r, now := grownUp(t, 4)
	for range 1000 {
		ok, at := r.Ready(now)
		if ok {
			r.Take(now)
			continue
		}
		if early, _ := r.Ready(at - time.Microsecond); early {
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
	for ok, _ := r.Ready(now); ok; ok, _ = r.Ready(now) {
		r.Take(now)
		n++
	}
	if most := math.Ceil(r.base * window.Seconds() * burstShare); float64(n) > most {
		t.Errorf("%d at once, want at most %v", n, most)
	}
}

func TestIdleForAnHourIsANewcomer(t *testing.T) {
	r, since := grownUp(t, 5)
	now := since + time.Hour
	if r.Learned(now) || !r.Idle(now) {
		t.Fatalf("learned %v, idle %v", r.Learned(now), r.Idle(now))
	}
	for i := range 1000 {
		if ok, _ := r.Ready(now); !ok {
			t.Fatalf("only %d at once", i)
		}
		r.Take(now)
	}
	if r.Idle(now) {
		t.Error("idle with an empty bucket: evicted, it would burst again")
	}
}

func TestAnEventKeepsItFromBeingEvicted(t *testing.T) {
	r := New(1000, window)
	r.Throttled(0, 0, second)
	for now := time.Duration(0); now < 39*window; now += window {
		if r.Idle(now) {
			t.Fatalf("idle at %v", now)
		}
	}
}

// A block shorter than the server's window: every second of it another 429.
// The rate left by the first has not been tried; it must not be halved ten times.
func TestBlocksTooShortDoNotGrindTheRateDown(t *testing.T) {
	r := learnedAt(t, 10)
	base := r.base
	for now := r.since + second/20; now < 20*second+window; now = r.since + second/20 {
		r.Throttled(now, now, now+second)
	}
	if r.base < 0.7*base {
		t.Errorf("ground down from %v to %v", base, r.base)
	}
}

// But a server that goes on refusing must be heard, or the rate would freeze
// in a storm of 429s.
func TestEndless429sReachTheFloor(t *testing.T) {
	r := learnedAt(t, 100)
	now := r.since
	for range 60 {
		r.Throttled(now, now, now+second)
		now = r.since
	}
	if got := r.PerSecond(now); got > r.full*floorShare*1.01 {
		t.Errorf("%v a second after a minute of nothing but 429s, floor %v", got, r.full*floorShare)
	}
	if got := r.PerSecond(now + 30*window); got != r.full {
		t.Errorf("%v a second 30 windows later", got)
	}
}

// Who asks for little and is not held back must not be cut to the little it asked for.
func TestLightUseIsNotTakenForAShare(t *testing.T) {
	r, since := grownUp(t, 4)
	base := r.base
	now := since + 5*window
	busy(r, since, now, 0.2)
	r.Throttled(now, now, now+second)
	if r.base < 0.9*base {
		t.Errorf("cut from %v to %v by an event in light use", base, r.base)
	}
}

func TestBigSharesPayMore(t *testing.T) {
	// Two events that told a fair share of 1/10, met with four tenths.
	r, _ := grownUp(t, 4)
	r.share, r.lastCut = 0.1, 0.03
	if got := r.fairShares(40, 0.003); !near(got, 4) {
		t.Errorf("%v fair shares, want 4", got)
	}
	// A single event that came early must not look like a tiny share.
	r.share = 0.1
	if got := r.fairShares(40, 0.0006); !near(got, 4) {
		t.Errorf("%v fair shares after an early event, want 4", got)
	}
}

func TestOddLimits(t *testing.T) {
	for _, c := range []struct {
		limit  int
		window time.Duration
	}{{1, time.Hour}, {25, time.Hour}, {3, 10 * second}, {1, 1}, {1 << 30, time.Millisecond}} {
		r := New(c.limit, c.window)
		var now time.Duration
		for range 100 {
			if ok, _ := r.Ready(now); ok {
				r.Take(now)
				r.Answered(now, now)
			}
			r.Throttled(now, now, now+second)
			now = r.When(now, 0)
			if now == math.MaxInt64 {
				t.Fatalf("%d in %v: never again", c.limit, c.window)
			}
		}
	}
}

func TestNoAllocationAfterNew(t *testing.T) {
	r := New(1000, window)
	var now time.Duration
	if n := testing.AllocsPerRun(1000, func() {
		now += 20 * time.Millisecond
		if ok, _ := r.Ready(now); ok {
			r.Take(now)
		}
		r.Answered(now, now)
		if now%second == 0 {
			r.Throttled(now, now, now+second)
		}
		r.Idle(now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNothingLearned(b *testing.B) {
	r := New(1<<30, window)
	b.ReportAllocs()
	var now time.Duration
	for b.Loop() {
		now += time.Microsecond
		r.Ready(now)
		r.Take(now)
		r.Answered(now, now)
	}
}

func BenchmarkLearned(b *testing.B) {
	r := New(1000, window)
	r.Throttled(0, 0, second)
	b.ReportAllocs()
	var now time.Duration
	for b.Loop() {
		now += time.Microsecond
		if ok, _ := r.Ready(now); ok {
			r.Take(now)
		}
		r.Answered(now, now)
	}
}

// savingUp plays a server that saves up what is not used to a rate that has
// met a few events: a far climb, the 429 that ends it, and another soon after.
func savingUp(t *testing.T) (r *Rate, share float64) {
	t.Helper()
	r, since := grownUp(t, 4)
	far := since + 22*window
	busy(r, since, far, 1000)
	r.Throttled(far, far, far+second)
	if !r.over {
		t.Fatal("not a far climb")
	}
	// What came back while it was blocked and after lasts this long.
	share = r.avg
	soon := r.since
	for sent := 0.; sent < share*(soon-r.met).Seconds(); soon += 10 * time.Millisecond {
		if ok, _ := r.Ready(soon); ok {
			r.Take(soon)
			r.Answered(soon, soon)
			sent++
		}
	}
	r.Throttled(soon, soon, soon+second)
	return r, share
}

// A server that saves up pays out its savings before it refuses: what was got
// in the window before says too much, and a program that believed it would
// meet a series of blocks.
func TestSavingsAreNotTakenForARate(t *testing.T) {
	r, share := savingUp(t)
	if !r.saves {
		t.Fatal("not seen")
	}
	if r.base > share || r.base < 0.9*share {
		t.Errorf("left with %v, got %v on average", r.base, share)
	}
	// The next far climb needs one event, not two.
	far := r.since + 22*window
	busy(r, r.since, far, 1000)
	r.Throttled(far, far, far+second)
	if want := r.avg * (1 - savingCut); math.Abs(r.base-want) > 1e-9 {
		t.Errorf("left with %v, want %v", r.base, want)
	}
}

// Programs that hold it beside programs that do not would give them their
// shares: an event that should not have come ends it for all.
func TestSavingServerIsForgottenAtAnEarlyEvent(t *testing.T) {
	r, _ := savingUp(t)
	now := r.since + 8*window
	busy(r, r.since, now, 1000)
	r.Throttled(now, now, now+second)
	if r.saves {
		t.Error("still believed")
	}
}

func TestWhenDoesNotOverflow(t *testing.T) {
	r, _ := grownUp(t, 4)
	if at := r.When(r.since, math.MaxInt); at != math.MaxInt64 {
		t.Errorf("at %v", at)
	}
}

// TestSoonestForgetsTheClimb: right after an event a rate is low, and a queue
// would take hours at it; it climbs, and the queue takes minutes.
func TestSoonestForgetsTheClimb(t *testing.T) {
	const window = 10 * time.Second
	r := New(100, window)
	for range 100 {
		r.Take(0)
	}
	if !r.Throttled(0, 0, time.Second) {
		t.Fatal("no event")
	}
	for _, ahead := range []int{0, 5, 50, 500} {
		soonest, plain := r.Soonest(0, ahead), r.When(0, ahead)
		if soonest <= 0 || soonest > plain {
			t.Errorf("%d ahead: soonest %s, at the present rate %s", ahead, soonest, plain)
		}
		// Drain a copy of the queue and see when the last really goes.
		q, now := New(100, window), time.Duration(0)
		for range 100 {
			q.Take(0)
		}
		q.Throttled(0, 0, time.Second)
		for left := ahead + 1; left > 0; now += 10 * time.Millisecond {
			if ok, _ := q.Ready(now); ok {
				q.Take(now)
				left--
			}
		}
		if off := float64(now-soonest) / float64(now); off < -0.05 || off > 0.2 {
			t.Errorf("%d ahead: said %s, took %s", ahead, soonest, now)
		}
	}
	if s := r.Soonest(0, 500); s > 10*time.Minute {
		t.Errorf("500 ahead take %s", s)
	}
}
