package edge

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// However many clients take all they can, and in whatever order, the next one
// finds room, and nobody has more than four fifths.
func TestAPoolHasNoRoomForTheNext(t *testing.T) {
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
func TestAPoolOfOne(t *testing.T) {
	p := NewPool(1)
	if !p.Fits("a", 1) || !p.Take("a", 1) || p.Fits("b", 1) || p.Take("b", 1) {
		t.Error("want one place")
	}
	p.Give("a", 1)
	if len(p.by) != 0 || !p.Take("b", 1) {
		t.Errorf("%v", p.by)
	}
}

// At r requests a second the count comes to r times the window, and it goes when
// they stop. Strangers who make names up are counted as one, in bounded memory.
func TestMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMeter(10 * time.Second)
		var n float64
		for range 600 {
			n = m.Count("a")
			time.Sleep(100 * time.Millisecond)
		}
		if n < 99 || n > 101 {
			t.Errorf("%.1f at 10 a second", n)
		}
		time.Sleep(time.Minute)
		if n := m.Count("a"); n > 1.5 {
			t.Errorf("%.1f after a minute", n)
		}
		for i := range 20_000 {
			n = m.Count(strconv.Itoa(i))
		}
		if len(m.clients) > maxMetered+1 || n < 15_000 {
			t.Errorf("%d clients are kept, and the last counts %.0f", len(m.clients), n)
		}
		time.Sleep(2 * time.Minute)
		if n := m.Count("new"); n != 1 || len(m.clients) > 2 {
			t.Errorf("%.1f, %d clients are kept", n, len(m.clients))
		}
	})
}
