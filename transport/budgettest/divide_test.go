package budgettest

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// FuzzDivide checks the guarantees of a division for arbitrary needs.
//
//	go test -fuzz FuzzDivide ./transport/budgettest
func FuzzDivide(f *testing.F) {
	f.Add(uint16(100), uint8(0), uint8(0), false, []byte{0, 0, 50, 0, 10, 0, 0, 50, 0})
	f.Add(uint16(3), uint8(0), uint8(0), false, []byte{0, 9, 0, 1, 0, 9, 0, 1, 0, 9, 0, 1, 0, 9, 0, 0, 0, 9, 0, 0})
	f.Add(uint16(1000), uint8(100), uint8(20), false, []byte{10, 0, 0, 200, 16, 0, 0, 20, 0, 0, 255, 255})
	f.Add(uint16(10), uint8(0), uint8(0), true, []byte{0, 1, 0, 0, 0, 3, 0, 2})
	f.Fuzz(func(t *testing.T, size uint16, r1, r2 uint8, private bool, data []byte) {
		n := int(size)%2000 + 1
		reserve := snapshot.Classes{Normal: int(r1) * (n - 1) / 512}
		reserve.Batch = reserve.Normal + int(r2)*(n-1)/512
		var programs []transport.Usage
		var need [classes]int
		owned := 0
		for ; len(data) >= 4 && len(programs) < 40; data = data[4:] {
			p := transport.Usage{
				Limit: &transport.Limit{N: n, Window: time.Second, Private: private}, Reserve: reserve,
				Owned: min(int(data[3]), n-owned), Need: snapshot.Classes{Interactive: int(data[0]), Normal: int(data[1]), Batch: int(data[2])},
			}
			for class, k := range classesOf(p.Need) {
				need[class] += k
			}
			owned += p.Owned
			programs = append(programs, p)
		}
		if len(programs) == 0 {
			return
		}
		checkDivision(t, n, reserve, private, programs, need)
	})
}

func checkDivision(t *testing.T, n int, reserve snapshot.Classes, private bool, programs []transport.Usage, need [classes]int) {
	t.Helper()
	d := Divide(programs)
	all := func(p transport.Usage) int { return p.Need.Interactive + p.Need.Normal + p.Need.Batch }
	parts, keeps, short := 0, 0, false
	for i, p := range programs {
		parts += d.part(i, d.up)
		if d.part(i, d.up) > all(p) || d.part(i, d.up) < 0 {
			t.Errorf("program %d gets %d and needs %d", i, d.part(i, d.up), all(p))
		}
		short = short || d.part(i, d.up) < all(p)
		switch {
		case private && d.keep(i) != 0:
			t.Errorf("program %d keeps %d of a private limit", i, d.keep(i))
		case d.keep(i) == math.MaxInt32 && !d.plenty:
			t.Errorf("program %d keeps all, though another lacks tokens", i)
		case d.keep(i) != math.MaxInt32 && d.keep(i) > d.part(i, d.up):
			t.Errorf("program %d keeps %d of a part of %d", i, d.keep(i), d.part(i, d.up))
		case d.keep(i) != math.MaxInt32:
			keeps += d.keep(i)
		}
	}
	if parts > n+3*len(programs) || keeps > n {
		t.Errorf("parts of %d and %d to keep, of %d", parts, keeps, n)
	}
	if d.plenty && (short || parts > n) {
		t.Errorf("enough for all, yet parts of %d in all", parts)
	}
	if len(programs) == 1 {
		reserve = snapshot.Classes{}
	}
	// What a program could obtain is what it gets once it needs all.
	for i, p := range programs {
		greedy, want := slices.Clone(programs), d.part(i, d.up)
		for class, k := range classesOf(p.Need) {
			if k > 0 && k == all(p) {
				of := &greedy[i].Need
				*[]*int{&of.Interactive, &of.Normal, &of.Batch}[class] = n
				d := Divide(greedy)
				want = d.part(i, d.up)
			}
		}
		if got := d.obtainable(i); got < want || got > n && got > want {
			t.Errorf("program %d could have %d, and would get %d", i, got, want)
		}
	}
	// With a single class there is one level: no program gets more than another whose
	// need is unmet, and no usable token is left.
	turn := func(class int) int { return min(need[class], n/11) }
	usable := [classes]int{n, max(n-reserve.Normal, turn(1)), max(n-reserve.Batch, turn(2))}
	for class, k := range need {
		if k == 0 || k != need[0]+need[1]+need[2] {
			continue
		}
		least, most := math.MaxInt, 0
		for i, p := range programs {
			most = max(most, d.part(i, d.up))
			if d.part(i, d.up) < all(p) {
				least = min(least, d.part(i, d.up))
			}
		}
		if least < most {
			t.Errorf("one gets %d while another lacks and has %d", most, least)
		}
		if want := min(k, usable[class]); parts < want || parts > want+len(programs) {
			t.Errorf("parts come to %d, want %d and rounding", parts, want)
		}
	}
	// No class starves: it gets a turn in eleven.
	for class := 1; class < classes; class++ {
		got, needed := 0, 0
		for i, p := range programs {
			if k := classesOf(p.Need)[class]; k == all(p) {
				got, needed = got+d.part(i, d.up), needed+k
			}
		}
		if needed == need[class] && got < turn(class) {
			t.Errorf("class %d gets %d, want %d at least", class, got, turn(class))
		}
	}
	// The reserves of higher classes are left by lower ones.
	if need[0] == 0 && need[1] == 0 && parts > usable[2]+len(programs) {
		t.Errorf("batch gets %d of %d with a reserve of %d", parts, n, reserve.Batch)
	}
}
