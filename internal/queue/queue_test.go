package queue

import (
	"slices"
	"testing"
)

// waiting walks the queue and checks every link.
func waiting(t *testing.T, q *Queue[int]) []int {
	t.Helper()
	var all []int
	var prev *Node[int]
	for n := q.Front(); n != nil; prev, n = n, n.Next() {
		if n.queue != q || n.prev != prev {
			t.Fatalf("%d is not linked to %v in its own queue", n.Value, prev)
		}
		all = append(all, n.Value)
		if len(all) > q.Len() {
			t.Fatalf("the line goes on after its %d waiters: %v", q.Len(), all)
		}
	}
	if q.tail != prev || q.Len() != len(all) {
		t.Fatalf("the line is %v, its length %d, its tail %v", all, q.Len(), q.tail)
	}
	return all
}

// line returns a queue of the numbers from 0 to n−1.
func line(n int) (*Queue[int], []*Node[int]) {
	q, nodes := new(Queue[int]), make([]*Node[int], n)
	for i := range nodes {
		nodes[i] = &Node[int]{Value: i}
		q.Push(nodes[i])
	}
	return q, nodes
}

func TestZeroQueueIsEmpty(t *testing.T) {
	var q Queue[int]
	if q.Len() != 0 || q.Front() != nil {
		t.Errorf("length %d, front %v", q.Len(), q.Front())
	}
}

func TestNobodyOvertakes(t *testing.T) {
	q, _ := line(10)
	for want := range 10 {
		front := q.Front()
		if front.Value != want {
			t.Fatalf("front is %d, want %d", front.Value, want)
		}
		front.Remove()
		if want == 4 {
			q.Push(front) // one that comes again goes to the end
		}
	}
	if got := waiting(t, q); !slices.Equal(got, []int{4}) {
		t.Errorf("%v wait, want [4]", got)
	}
}

// A waiter that gives up leaves no trace, wherever it stands.
func TestCancelledWaiterLeavesNoGap(t *testing.T) {
	for n := 1; n <= 4; n++ {
		for gone := range n {
			q, nodes := line(n)
			nodes[gone].Remove()
			var want []int
			for i := range n {
				if i != gone {
					want = append(want, i)
				}
			}
			if got := waiting(t, q); !slices.Equal(got, want) {
				t.Errorf("%d of %d left: %v wait, want %v", gone, n, got, want)
			}
			if left := nodes[gone]; left.queue != nil || left.Next() != nil || left.prev != nil {
				t.Errorf("%d of %d left, and still knows its neighbours", gone, n)
			}
			q.Push(&Node[int]{Value: 9})
			if got := waiting(t, q); !slices.Equal(got, append(want, 9)) {
				t.Errorf("%d of %d left, one came: %v wait", gone, n, got)
			}
		}
	}
}

func TestWaiterThatLeavesTwiceTakesNobodyAlong(t *testing.T) {
	q, nodes := line(3)
	nodes[1].Remove()
	nodes[1].Remove()
	if got := waiting(t, q); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("%v wait, want [0 2]", got)
	}
	new(Node[int]).Remove() // one that never came
}

func TestWaiterMovesToAnotherLine(t *testing.T) {
	a, nodes := line(3)
	b, _ := line(2)
	nodes[0].Remove()
	b.Push(nodes[0])
	if got := waiting(t, a); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("in the old line %v, want [1 2]", got)
	}
	if got := waiting(t, b); !slices.Equal(got, []int{0, 1, 0}) {
		t.Errorf("in the new line %v, want [0 1 0]", got)
	}
	nodes[0].Remove() // from the queue that it is in now
	if a.Len() != 2 || b.Len() != 2 {
		t.Errorf("%d and %d wait, want 2 and 2", a.Len(), b.Len())
	}
}

func TestWaitingAllocatesNothing(t *testing.T) {
	q, _ := line(3)
	var n Node[int]
	if got := testing.AllocsPerRun(100, func() {
		q.Push(&n)
		n.Remove()
	}); got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}

// FuzzQueue drives two queues and two slices with the same events. Sixteen
// waiters come and go: one byte names a waiter and what it does.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{0, 1, 2, 0x20, 0x10, 0x11, 0x31})
	f.Add([]byte("the first come first served"))
	f.Fuzz(func(t *testing.T, events []byte) {
		var (
			queues [2]Queue[int]
			models [2][]int
			nodes  [16]Node[int]
		)
		for i := range nodes {
			nodes[i].Value = i
		}
		for _, e := range events {
			who, where, leaves := int(e&15), int(e>>4&1), e>>5&1 == 1
			queued := slices.Contains(models[0], who) || slices.Contains(models[1], who)
			if nodes[who].queue != nil != queued {
				t.Fatalf("%d: queued is %v", who, !queued)
			}
			switch {
			case leaves:
				nodes[who].Remove()
				for i := range models {
					models[i] = slices.DeleteFunc(models[i], func(v int) bool { return v == who })
				}
			case !queued:
				queues[where].Push(&nodes[who])
				models[where] = append(models[where], who)
			}
			for i := range queues {
				if got := waiting(t, &queues[i]); !slices.Equal(got, models[i]) {
					t.Fatalf("in queue %d: %v, want %v", i, got, models[i])
				}
			}
		}
	})
}

func TestBackIsWhoCameLast(t *testing.T) {
	q, nodes := line(3)
	if q.Back() != nodes[2] || new(Queue[int]).Back() != nil {
		t.Errorf("back is %v", q.Back())
	}
	nodes[2].Remove()
	if q.Back() != nodes[1] {
		t.Errorf("back is %v after the last one left", q.Back())
	}
}
