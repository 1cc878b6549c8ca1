package queue

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

// goesAfter returns how many go before w if no others come.
func goesAfter(l *Line[int], w *waiter) (n int) {
	for next(l, Classes) != w.Who {
		n++
	}
	return n
}

// A class is never passed over for long, so it does not wait for all of the higher
// ones: an estimate that counts them all would refuse it for ever.
func TestAheadOfTheWorstClassIsWhatPassesIt(t *testing.T) {
	var l Line[int]
	for i := range 1000 {
		push(&l, i, 0, "")
	}
	ahead := l.Ahead(2, "")
	if really := goesAfter(&l, push(&l, -1, 2, "")); ahead != really {
		t.Errorf("%d went first, %d were said to", really, ahead)
	}
}

// With all classes waiting and no newcomers, the estimate is near what happens.
func TestAheadIsNearUnderAMixOfClasses(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	worst := 0.0
	for range 3000 {
		var l Line[int]
		for i := range random.IntN(300) {
			push(&l, i, min(random.IntN(4), random.IntN(4), Classes-1), "")
		}
		for range random.IntN(30) {
			next(&l, Classes)
		}
		class := random.IntN(Classes)
		ahead := l.Ahead(class, "")
		really := goesAfter(&l, push(&l, -1, class, ""))
		if ahead > really+1 { // too high an estimate can refuse a request
			t.Fatalf("class %d: %d went first, %d were said to", class, really, ahead)
		}
		off := float64(ahead-really) / float64(really+10)
		worst = max(worst, off, -off)
	}
	t.Logf("off by %.3f at most", worst)
	if worst > 0.2 {
		t.Error("want 0.2 at most")
	}
}

// The guarantee holds while requests of higher classes keep coming.
func TestNoClassIsPassedOverMoreThanTenTimes(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var l Line[int]
	since := [Classes]int{}
	for range 200_000 {
		for range 1 + random.IntN(2) {
			push(&l, 0, random.IntN(Classes), string(rune('a'+random.IntN(3))))
		}
		if l.Len() > 500 {
			turns := &l.classes[2].turns
			for turns.Len() > 0 && l.Len() > 400 {
				turns.Front().Value.Front().Value.Leave() // gives up
			}
		}
		p := l.Front(Classes)
		for c := range since {
			if l.LenOf(c) > 0 {
				since[c]++
			}
		}
		since[p.class] = 0
		l.Pass(p)
		for c := range since {
			if l.LenOf(c) == 0 {
				since[c] = 0
			}
			if since[c] > Patience+1 {
				t.Fatalf("class %d was passed over %d times in a row", c, since[c])
			}
		}
	}
}

// After nine of higher classes one of a lower class goes, whenever it came: what went
// before it came does not count, nor does its own turn.
func TestTurnComesAfterNineNotBefore(t *testing.T) {
	for _, worse := range []int{1, 2} {
		var l Line[int]
		for i := range 60 {
			push(&l, i, 0, "")
		}
		for range 20 {
			next(&l, Classes)
		}
		for range 3 {
			push(&l, -1, worse, "")
		}
		order := ""
		for l.LenOf(0) > 0 {
			order += map[bool]string{true: "b", false: "i"}[next(&l, Classes) < 0]
		}
		if want := "iiiiiiiiib" + "iiiiiiiiib" + "iiiiiiiiib" + "iiiiiiiiiiiii"; order != want {
			t.Errorf("class %d: %s, want %s", worse, order, want)
		}
	}
	var l Line[int]
	for i := range 30 {
		push(&l, i, 0, "")
	}
	push(&l, -1, 1, "")
	push(&l, -2, 2, "")
	push(&l, -2, 2, "")
	order := ""
	for l.Len() > 0 {
		order += map[int]string{-1: "n", -2: "b", 0: "i"}[min(next(&l, Classes), 0)]
	}
	if want := "iiiiiiiiinb" + "iiiiiiiiib" + "iiiiiiiiiiii"; order != want {
		t.Errorf("of three classes: %s, want %s", order, want)
	}
}

// A class without waiters has not been passed over.
func TestGivingUpEndsStarvation(t *testing.T) {
	var l Line[int]
	w := push(&l, 1, 2, "")
	push(&l, 2, 0, "")
	for range Patience {
		l.Passed(0)
	}
	w.Leave()
	if l.Starved() {
		t.Error("no waiter is left to starve")
	}
}

// One big flow among many small ones: a thousand waiters are not a thousand turns
// ahead.
func TestAheadCountsOfABigFlowItsTurns(t *testing.T) {
	for _, small := range []int{10, 500} {
		var l Line[int]
		for i := range 1000 {
			push(&l, i, 1, "big")
		}
		for i := range small {
			push(&l, i, 1, strconv.Itoa(i))
		}
		for i := range 20 {
			push(&l, i, 1, "mine")
		}
		ahead := l.Ahead(1, "mine")
		really := goesAfter(&l, push(&l, -1, 1, "mine"))
		if d := ahead - really; d < -really/5 || d > 21+small/5 {
			t.Errorf("%d small flows: %d went first, %d were said to", small, really, ahead)
		}
	}
}
