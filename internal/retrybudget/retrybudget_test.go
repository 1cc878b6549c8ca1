package retrybudget

import (
	"math/rand/v2"
	"testing"
	"time"
)

const sec = time.Second

// retries asks for n retries and returns how many were allowed.
func retries(b *Budget, now time.Duration, requests int64, n int) (ok int) {
	for range n {
		if b.Retry(now, requests) {
			ok++
		}
	}
	return ok
}

func TestSomeRetriesNeedNoRequests(t *testing.T) {
	b := New(0.2, 10)
	if n := retries(&b, 0, 0, 100); n != 10 {
		t.Errorf("%d retries at the start, want 10", n)
	}
	if left, denied := b.State(0, 0); left != 0 || denied != 90 {
		t.Errorf("%d left and %d denied, want 0 and 90", left, denied)
	}
}

func TestAFifthOfTheRequestsMayBeRepeated(t *testing.T) {
	b := New(0.2, 10)
	if n := retries(&b, 50*sec, 1000, 1000); n != 210 {
		t.Errorf("%d retries after 1000 requests, want 200 and the first 10", n)
	}
}

func TestNoBudgetNoRetry(t *testing.T) {
	b := New(0, 0)
	if retries(&b, 0, 1000, 10) != 0 {
		t.Error("a retry was allowed")
	}
}

// A time that was read earlier than another caller's drops nothing.
func TestClockOfALateCallerForgetsNothing(t *testing.T) {
	b := New(0, 3)
	b.Retry(30*sec, 0)
	b.Retry(20*sec, 0)
	if left, _ := b.State(10*sec, 0); left != 1 {
		t.Errorf("%d left, want 1", left)
	}
}

// The oracle stores every time. The budget remembers the last minute, or up to a
// slice less.
func TestRetriesAreForgottenAfterAMinute(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		b := New(0.2, 3)
		var now time.Duration
		var granted []time.Duration
		for range 2000 {
			now += time.Duration(random.ExpFloat64() * float64(200*time.Millisecond))
			if random.IntN(200) == 0 {
				now += time.Duration(random.IntN(90)) * sec
			}
			// The minute is the current slice and the eleven before it.
			from, recent := now-now%slice-Memory+slice, 0
			for _, at := range granted {
				if at >= from {
					recent++
				}
			}
			requests := random.Int64N(100)
			want := 3+int(0.2*float64(requests))-recent > 0
			if got := b.Retry(now, requests); got != want {
				t.Fatalf("seed %d at %s: %t, want %t", seed, now, got, want)
			} else if got {
				granted = append(granted, now)
			}
			if from < now-Memory || from > now-Memory+slice {
				t.Fatalf("the memory is %s", now-from)
			}
		}
	}
}
