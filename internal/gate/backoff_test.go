package gate

import (
	"testing"
	"time"
)

// The backoff's steps by its constants.
var steps = []time.Duration{
	1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second,
	30 * time.Second, 30 * time.Second, 30 * time.Second,
}

// meet sends a request that gets a 429 without a Retry-After at once, and returns for
// how long that closed the gate.
func meet(t *testing.T, g *Gate, now time.Duration) time.Duration {
	t.Helper()
	if !g.Ready(now) {
		t.Fatalf("at %v nothing can be sent: closed until %v", now, g.Until())
	}
	g.BackOff(now, now)
	return g.Until() - now
}

// isStep checks that a block was drawn from the n-th step.
func isStep(t *testing.T, n int, block time.Duration) {
	t.Helper()
	if s := steps[n]; block < s/2 || block > s+s/2 {
		t.Fatalf("step %d: closed for %v, want %v ±50 %%", n, block, s)
	}
}

// manyGates takes many gates through all steps, and returns the sum of their blocks
// by step, and the shortest and longest first block.
func manyGates(t *testing.T, gates int) (sum []time.Duration, shortest, longest time.Duration) {
	t.Helper()
	sum, shortest = make([]time.Duration, len(steps)), time.Hour
	for range gates {
		var g Gate
		for n := range steps {
			block := meet(t, &g, g.Until())
			isStep(t, n, block)
			sum[n] += block
			if n == 0 {
				shortest, longest = min(shortest, block), max(longest, block)
			}
		}
	}
	return sum, shortest, longest
}

func TestBackoffDoublesUpToItsMaximum(t *testing.T) {
	const gates = 4000
	sum, _, _ := manyGates(t, gates)
	for n, s := range sum {
		// The deviation of a mean of 4000 is 0.5 % of the step.
		if mean := s / gates; mean < steps[n]*97/100 || mean > steps[n]*103/100 {
			t.Errorf("step %d: %v on average, want about %v", n, mean, steps[n])
		}
	}
}

// Programs that meet the same 429 must not all come back together.
func TestBackoffOfManyGatesIsSpreadOut(t *testing.T) {
	_, shortest, longest := manyGates(t, 1000)
	if shortest > 550*time.Millisecond || longest < 1450*time.Millisecond {
		t.Errorf("first blocks from %v to %v, want 500 ms to 1.5 s", shortest, longest)
	}
}

func TestOneEventIsOneStepHoweverMany429sItSpreadsOver(t *testing.T) {
	var g Gate
	g.BackOff(t1, t0)
	isStep(t, 0, g.Until()-t1)
	until := g.Until()
	// A thousand requests were in flight: some answers come while the gate is closed,
	// and some when it is open again.
	for i := range time.Duration(1000) {
		g.BackOff(t1+i*step/100, t1-i)
	}
	if g.Until() != until {
		t.Fatalf("closed until %v, want %v as after the first of them", g.Until(), until)
	}
	isStep(t, 1, meet(t, &g, until)) // the next event is the next step
}

// With a coarse clock, a request is sent at the very moment at which the gate closes.
// It passed the gate, so it was sent before.
func TestRequestSentAtTheMomentOfClosingIsTheSameEvent(t *testing.T) {
	var g Gate
	g.BackOff(t1, t0)
	until := g.Until()
	for range 10 {
		g.BackOff(t1+1, t1)
	}
	if g.Until() != until {
		t.Errorf("closed until %v, want %v", g.Until(), until)
	}
	g.Pass(t1) // nor does its success say anything
	isStep(t, 1, meet(t, &g, until))
}

func Test429sUnderWayAtARetryAfterAreTheSameEvent(t *testing.T) {
	var g Gate
	g.Close(t1, step)
	g.BackOff(t1, t0)
	g.BackOff(t3, t1-1) // much later, when the gate is open again
	g.BackOff(t3, t2-1)
	closedUntil(t, &g, t3, t2)
	isStep(t, 0, meet(t, &g, t3))
}

func TestFirstSentAfterTheBlockIsANewEvent(t *testing.T) {
	var g Gate
	g.Close(t1, step)
	g.BackOff(t3, t2)
	isStep(t, 0, g.Until()-t3)
}

func TestBackOffCountsFromTheAnswerNotFromTheSending(t *testing.T) {
	var g Gate
	g.BackOff(t9, t0)
	isStep(t, 0, g.Until()-t9)
}

func TestSuccessSentAfterTheBlockResetsTheBackoff(t *testing.T) {
	var g Gate
	isStep(t, 0, meet(t, &g, t0))
	isStep(t, 1, meet(t, &g, t1))
	until := g.Until()
	g.Pass(until) // sent at its very end
	closedUntil(t, &g, until, until)
	isStep(t, 0, meet(t, &g, until))
}

func TestOldSuccessResetsNothing(t *testing.T) {
	var g Gate
	isStep(t, 0, meet(t, &g, t1))
	g.Pass(t0)
	g.Pass(t1 - 1)
	g.Pass(g.Until() - 1)
	isStep(t, 1, meet(t, &g, g.Until()))
	g.Pass(t1 + step/2) // from before the second block, though after the first
	isStep(t, 2, meet(t, &g, g.Until()))
}

func TestSuccessOpensNoClosedGate(t *testing.T) {
	var g Gate
	g.Close(t1, 3*step)
	g.Pass(t0)
	g.Pass(t2)
	closedUntil(t, &g, t3, t4)
}

// An endpoint that met a 429 and was never used again stayed in memory for ever.
func TestGateThatBackedOffBecomesIdleWithoutASuccess(t *testing.T) {
	var g Gate
	g.BackOff(t0, t0)
	end := g.Until()
	for _, now := range []time.Duration{t0, end - 1, end, end + backoffMemory - 1} {
		if g.Idle(now) {
			t.Errorf("%v after its end it is idle", now-end)
		}
	}
	if !g.Idle(end + backoffMemory) {
		t.Error("it is never idle")
	}
}

// Idle means that a new gate would behave the same, so an idle gate must behave like
// a new one.
func TestIdleGateBacksOffLikeANewOne(t *testing.T) {
	var g Gate
	meet(t, &g, t0)
	isStep(t, 1, meet(t, &g, g.Until()+backoffMemory-1))
	end := g.Until()
	g.BackOff(end+backoffMemory+step, end+backoffMemory-1) // the time of sending decides
	isStep(t, 2, g.Until()-(end+backoffMemory+step))
	isStep(t, 0, meet(t, &g, g.Until()+backoffMemory))
}

func TestGateIsIdleAfterASuccess(t *testing.T) {
	var g Gate
	meet(t, &g, t0)
	g.Pass(t1)
	if !g.Idle(t1) {
		t.Error("not idle, though open and at its first step")
	}
}

func TestGateIsIdleAfterARetryAfter(t *testing.T) {
	var g Gate
	g.Close(t0, step)
	if g.Idle(t1 - 1) {
		t.Error("idle while closed")
	}
	if !g.Idle(t1) {
		t.Error("not idle at its end")
	}
}

// The memory must outlast a block, or a step could expire while the waiters at the
// gate are still coming through.
func TestMemoryOutlastsTheLongestBlock(t *testing.T) {
	const longest = time.Duration(float64(backoffMax) * (1 + backoffJitter))
	if backoffMemory <= longest {
		t.Errorf("memory %v, longest block %v", backoffMemory, longest)
	}
}
