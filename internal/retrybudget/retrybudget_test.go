package retrybudget

import (
	"math/rand/v2"
	"testing"
	"time"
)

const sec = time.Second

// retries makes n attempts and returns how many were let through.
func retries(b *Budget, now time.Duration, n int) (ok int) {
	for range n {
		if b.Retry(now) {
			ok++
		}
	}
	return ok
}

func TestSomeRetriesNeedNoRequests(t *testing.T) {
	b := New(0.2, 10)
	if n := retries(b, 0, 100); n != 10 {
		t.Errorf("%d retries at the start, want 10", n)
	}
	if left, denied := b.State(0); left != 0 || denied != 90 {
		t.Errorf("%d left and %d denied, want 0 and 90", left, denied)
	}
}

func TestAFifthOfTheRequestsMayBeRepeated(t *testing.T) {
	b := New(0.2, 10)
	for i := range 1000 {
		b.Request(time.Duration(i) * 50 * time.Millisecond)
	}
	if n := retries(b, 50*sec, 1000); n != 210 {
		t.Errorf("%d retries after 1000 requests, want 200 and the first 10", n)
	}
}

func TestRequestsAndRetriesAreForgottenAfterAMinute(t *testing.T) {
	b := New(0.2, 10)
	for range 1000 {
		b.Request(0)
	}
	retries(b, 0, 210)
	for _, tt := range []struct {
		now  time.Duration
		left int
	}{{54 * sec, 0}, {60 * sec, 10}, {24 * time.Hour, 10}} {
		if left, _ := b.State(tt.now); left != tt.left {
			t.Errorf("%s: %d left, want %d", tt.now, left, tt.left)
		}
	}
}

func TestNoBudgetNoRetry(t *testing.T) {
	b := New(0, 0)
	b.Request(0)
	if retries(b, 0, 10) != 0 {
		t.Error("a retry was let through")
	}
}

// Callers read the clock before they get here, so that it may seem to go back.
func TestClockOfALateCallerForgetsNothing(t *testing.T) {
	b := New(1, 0)
	b.Request(30 * sec)
	b.Request(20 * sec)
	if left, _ := b.State(10 * sec); left != 2 {
		t.Errorf("%d left, want 2", left)
	}
}

// An oracle keeps every moment. What the budget lets through is no more than
// what it would by the last minute, and no less than by the last 55 s.
func TestBudgetKeepsToTheLastMinute(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		b := New(0.2, 3)
		var now time.Duration
		var requests, granted []time.Duration
		since := func(all []time.Duration, from time.Duration) (n int) {
			for _, at := range all {
				if at >= from {
					n++
				}
			}
			return n
		}
		for range 2000 {
			now += time.Duration(random.ExpFloat64() * float64(200*time.Millisecond))
			if random.IntN(200) == 0 {
				now += time.Duration(random.IntN(90)) * sec
			}
			if random.IntN(4) > 0 {
				b.Request(now)
				requests = append(requests, now)
				continue
			}
			// The slice that holds now ends the minute; the first of the twelve begins it.
			from := now - now%slice - memory + slice
			want := 3+int(0.2*float64(since(requests, from)))-since(granted, from) > 0
			if got := b.Retry(now); got != want {
				t.Fatalf("seed %d at %s: %t, want %t", seed, now, got, want)
			} else if got {
				granted = append(granted, now)
			}
			if from < now-memory || from > now-memory+slice {
				t.Fatalf("the memory is %s", now-from)
			}
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	budget, now := New(0.2, 10), time.Duration(0)
	for b.Loop() {
		now += time.Millisecond
		budget.Request(now)
	}
}
