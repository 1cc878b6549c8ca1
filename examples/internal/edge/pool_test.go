package edge

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

// However many clients take all they can, and in whatever order, the next one
// finds room, and nobody has more than four fifths.
func TestAPoolHasRoomForTheNext(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, clients := range []int{1, 2, 3, 7, 20, 50} {
		p := NewPool(2_000)
		for range 10_000 {
			p.Take(strconv.Itoa(random.IntN(clients)), 1)
		}
		for name, n := range p.by {
			if n > p.Most() {
				t.Errorf("of %d clients, %s has %d of %d", clients, name, n, p.size)
			}
		}
		if want := p.size / int64(greed*clients+1) * 3 / 4; p.size-p.used < want || !p.Take("next", 1) {
			t.Errorf("%d clients left %d, want %d", clients, p.size-p.used, want)
		}
	}
}

// A pool of one has room for one, and then for nobody.
func TestAPoolOfOneHasRoomForOne(t *testing.T) {
	p := NewPool(1)
	if !p.Fits("a", 1) || !p.Take("a", 1) || p.Fits("b", 1) || p.Take("b", 1) {
		t.Error("want one place")
	}
	p.Give("a", 1)
	if len(p.by) != 0 || !p.Take("b", 1) {
		t.Errorf("%v", p.by)
	}
}
