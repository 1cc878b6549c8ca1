package main

import (
	"testing"
	"testing/synctest"
	"time"
)

// The line tells how far it is, how fast, who waits, and a fair estimate: by the
// limit while the first burst distorts the rate, by the rate afterwards.
func TestProgressLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &progress{total: 1000, done: 100, n: 100, window: 10 * time.Second}
		p.show()
		settle := func(n int) {
			for range n {
				p.begin()
				p.waited(time.Second)
				p.settled()
				p.end()
			}
		}
		time.Sleep(time.Second)
		settle(100)
		p.begin() // stands in line
		if got, want := p.line(time.Now()), "[####                    ] 200/1000 users, 100.0/s, 1 waiting (the longest 1.0 s), 1m20s left"; got != want {
			t.Errorf("%s\n%s", got, want)
		}
		for range 5 {
			time.Sleep(10 * time.Second)
			settle(50) // half the limit: others have the rest
		}
		if got, want := p.line(time.Now()), "[##########              ] 450/1000 users, 5.0/s, 1 waiting (the longest 1.0 s), 1m50s left"; got != want {
			t.Errorf("%s\n%s", got, want)
		}
	})
}
