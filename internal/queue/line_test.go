package queue

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

type waiter struct {
	Place[int]
	class int
	flow  string
}

func push(l *Line[int], who, class int, flow string) *waiter {
	w := &waiter{class: class, flow: flow}
	w.Who = who
	l.Push(&w.Place, class, flow)
	return w
}

// next passes the front of the line and returns its waiter, or -1 if none waits.
func next(l *Line[int], open int) int {
	p := l.Front(open)
	if p == nil {
		return -1
	}
	l.Pass(p)
	return p.Who
}

func TestBetterClassGoesFirst(t *testing.T) {
	var l Line[int]
	push(&l, 1, 2, "")
	push(&l, 2, 1, "")
	push(&l, 3, 0, "")
	push(&l, 4, 0, "")
	for _, want := range []int{3, 4, 2, 1, -1} {
		if got := next(&l, Classes); got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
	}
}

func TestClosedClassWaitsAndDoesNotHoldUpABetterOne(t *testing.T) {
	var l Line[int]
	push(&l, 1, 2, "")
	if got := next(&l, 2); got != -1 {
		t.Fatalf("%d went although its class may not", got)
	}
	push(&l, 2, 1, "")
	if got := next(&l, 2); got != 2 {
		t.Fatalf("got %d, want 2", got)
	}
	if got := next(&l, 0); got != -1 {
		t.Fatalf("%d went although no class may", got)
	}
}

func TestWorseClassesDoNotStarve(t *testing.T) {
	var l Line[int]
	for i := range 1000 {
		push(&l, i, 0, "")
		push(&l, i, 1, "")
		push(&l, i, 2, "")
	}
	since := [Classes]int{}
	for range 900 {
		p := l.Front(Classes)
		for c := range since {
			since[c]++
		}
		since[p.class] = 0
		l.Pass(p)
		for c, n := range since {
			if n > Patience+2 {
				t.Fatalf("class %d was passed over %d times in a row", c, n)
			}
		}
	}
}

func TestPassingByTheLineCountsAsPassingOver(t *testing.T) {
	var l Line[int]
	push(&l, 1, 2, "")
	for range Patience {
		if l.Starved() {
			t.Fatal("starved too soon")
		}
		l.Passed(0) // one that never waited
	}
	if !l.Starved() {
		t.Fatal("the batch waiter is passed over for ever")
	}
	push(&l, 2, 0, "")
	if got := next(&l, Classes); got != 1 {
		t.Fatalf("got %d, want the one passed over", got)
	}
	if l.Starved() {
		t.Fatal("still starved after its turn")
	}
}

func TestOneFlowDoesNotShutOutAnother(t *testing.T) {
	var l Line[int]
	for i := range 1000 {
		push(&l, i, 1, "big")
	}
	push(&l, -10, 1, "small")
	push(&l, -11, 1, "small")
	push(&l, -20, 1, "other")
	var order []int
	for range 6 {
		order = append(order, next(&l, Classes))
	}
	want := []int{0, -10, -20, 1, -11, 2}
	for i := range want {
		if order[i] != want[i] {
			t.Fatalf("order %v, want %v", order, want)
		}
	}
}

func TestAheadIsWhatReallyGoesFirst(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	flows := []string{"", "a", "b", "c"}
	for range 2000 {
		var l Line[int]
		for i := range random.IntN(20) {
			push(&l, i, 1, flows[random.IntN(len(flows))])
		}
		flow := flows[random.IntN(len(flows))]
		ahead := l.Ahead(1, flow)
		w := push(&l, 99, 1, flow)
		really := 0
		for next(&l, Classes) != w.Who {
			really++
		}
		if really > ahead || ahead > really+len(flows)-1 {
			t.Fatalf("%d went first, %d were said to", really, ahead)
		}
	}
}

func TestAheadOfABetterClassIgnoresWorse(t *testing.T) {
	var l Line[int]
	for i := range 5 {
		push(&l, i, 2, "")
	}
	push(&l, 9, 1, "")
	if got := l.Ahead(0, ""); got != 0 {
		t.Errorf("%d ahead of the best class", got)
	}
	if got := l.Ahead(2, ""); got != 6 {
		t.Errorf("%d ahead of the worst class, want 6", got)
	}
}

// FuzzLine drives a line with a byte string and compares it with a slice of all
// waiters.
func FuzzLine(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 200, 201, 202, 90, 91})
	f.Add([]byte{0, 1, 2, 3, 4, 5, 128, 129, 191, 201, 130, 200, 131}) // some give up
	f.Fuzz(func(t *testing.T, script []byte) {
		var l Line[int]
		var all []*waiter
		remove := func(i int) { all = append(all[:i], all[i+1:]...) }
		for n, b := range script {
			switch {
			case b < 128:
				all = append(all, push(&l, n, int(b)%Classes, string(rune('a'+b/Classes%4))))
			case b < 192 && len(all) > 0:
				i := int(b) % len(all)
				all[i].Leave()
				all[i].Leave() // a second time does nothing
				if all[i].line != nil {
					t.Fatal("it stands where it left")
				}
				remove(i)
			default:
				open := int(b) % (Classes + 1)
				p := l.Front(open)
				if p == nil {
					for _, w := range all {
						if w.class < open {
							t.Fatalf("none goes, though %d may", w.Who)
						}
					}
					continue
				}
				if q := l.Front(open); q != p {
					t.Fatal("asking twice changes the answer")
				}
				for i, w := range all { // its first waiter of that class and flow
					if w.class == p.class && w.flow == p.flow.name {
						if &w.Place != p {
							t.Fatalf("%d went before %d of its own flow", p.Who, w.Who)
						}
						remove(i)
						break
					}
				}
				l.Pass(p)
			}
			count := [Classes]int{}
			for _, w := range all {
				count[w.class]++
			}
			for c := range count {
				if l.LenOf(c) != count[c] {
					t.Fatalf("class %d has %d, want %d", c, l.LenOf(c), count[c])
				}
			}
			if l.Len() != len(all) {
				t.Fatalf("%d wait, want %d", l.Len(), len(all))
			}
		}
	})
}

func TestPlacesHasEveryFlow(t *testing.T) {
	var l Line[int]
	for i, class := range []int{2, 0, 1, 0, 2, 1} {
		push(&l, i, class, string(rune('a'+i%2)))
	}
	var who []int
	for _, p := range l.Places() {
		who = append(who, p.Who)
		if p.Class() != []int{2, 0, 1, 0, 2, 1}[p.Who] {
			t.Errorf("%d is of class %d", p.Who, p.Class())
		}
	}
	if len(who) != 6 || who[0] != 1 || who[1] != 3 || who[2] != 2 || who[3] != 5 || who[4] != 0 || who[5] != 4 {
		t.Errorf("%v", who)
	}
}

// An operation takes the same time however many wait.
func BenchmarkStep(b *testing.B) {
	for _, waiters := range []int{100, 1000, 10_000} {
		b.Run(strconv.Itoa(waiters), func(b *testing.B) {
			var l Line[int]
			all := make([]*waiter, waiters)
			for i := range all {
				all[i] = push(&l, i, i%Classes, strconv.Itoa(i%50))
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() { // one passes, one leaves, both come back
				p := l.Front(Classes)
				l.Pass(p)
				gone := all[i%waiters]
				gone.Leave()
				l.Push(p, p.Class(), strconv.Itoa(p.Who%50))
				if gone.line == nil {
					l.Push(&gone.Place, gone.class, gone.flow)
				}
				i += 7919
			}
		})
	}
}
