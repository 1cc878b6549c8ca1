package bench

import (
	"flag"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/peers"
	"net/http"
	"runtime"
	"slices"
	"testing"
)

var overhead = flag.Bool("overhead", false, "measure what the throttle and its peers cost, and print ratios")

// cost is the cost of a request through a transport, in nanoseconds of processor
// time: wall time depends on what else the machine does.
type cost struct {
	contestant
	alone float64
	crowd map[int]float64 // with a thousand callers, by number of processors
}

const rounds = 21

// TestOverhead prints the throttle's cost over the bare transport, beside its peers',
// and asserts nothing: times depend on the machine. Each round measures all
// contestants in turn, so that none has a quieter machine than the others, and the
// best of each counts.
func TestOverhead(t *testing.T) {
	if !*overhead {
		t.Log("run it with -overhead")
		return
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var all []cost
	for _, c := range contestants(t) {
		all = append(all, cost{c, 1e9, map[int]float64{1: 1e9, 2: 1e9}})
	}
	for range rounds {
		for i, c := range all {
			runtime.GOMAXPROCS(1)
			all[i].alone = min(c.alone, perRequest(func(n int) { solo(t, c.rt, n) }))
			for cpus, best := range c.crowd {
				runtime.GOMAXPROCS(cpus)
				c.crowd[cpus] = min(best, perRequest(func(n int) { crowd(t, c.rt, n) }))
			}
		}
	}
	bare := all[0].alone
	for _, c := range all {
		t.Logf("%-42s %6.0f ns, %6.0f over bare; a thousand callers: %6.0f ns at 1 CPU (%.2f x), %6.0f ns at 2 (%.2f x)",
			c.name, c.alone, c.alone-bare, c.crowd[1], c.crowd[1]/c.alone, c.crowd[2], c.crowd[2]/c.alone)
	}
	named := func(name string) cost {
		return all[slices.IndexFunc(all, func(c cost) bool { return c.name == name })]
	}
	ours, retry := named(peers.Throttle().Name).alone-bare, named("go-retryablehttp").alone-bare
	t.Logf("the throttle's overhead is %.0f ns (want at most 400), %.2f of go-retryablehttp's %.0f (want at most 0.6)", ours, ours/retry, retry)
}

// solo makes n requests from one caller.
func solo(tb testing.TB, rt http.RoundTripper, n int) {
	req := microRequest(tb)
	for range n {
		resp, err := rt.RoundTrip(req)
		if err != nil {
			tb.Fatal(err)
		}
		resp.Body.Close()
	}
}

// perRequest returns the processor time per request, including garbage collection.
func perRequest(f func(n int)) float64 {
	const n = 50_000
	f(n / 10)
	begin := processorTime()
	f(n)
	return float64(processorTime()-begin) / n
}
