package transport

import (
	"context"
	"time"
)

// Limit is a count that a request draws on: no more than N requests that name
// the same Key may reach the server in any Window.
type Limit struct {
	// Name is what messages and snapshots call the limit.
	Name string
	// Key names the bucket that counts it: same key, same bucket, within one
	// [Budget]. It never holds a secret. All limits of one key have the same N
	// and Window; the first one seen decides.
	Key    string
	N      int
	Window time.Duration
	// Private says that the limit is counted for one resource or one address:
	// there may be very many like it.
	Private bool
}

// Claim says what a request draws on. A [Config.Classify] may hand the same
// Claim out for many requests: nobody changes one once it is made.
type Claim struct {
	// Endpoint is the request's method and path template, for messages.
	Endpoint string
	// Key names the endpoint's gate, which a 429 closes: same key, blocked
	// together. It never holds a secret.
	Key string
	// Limits lists every limit that the request draws on, the most private one
	// first and the one shared by most last: a request waits for them in this
	// order, so nobody holds a shared token while waiting for a private one.
	Limits []Limit
	// Rate is the size of the endpoint's token bucket, which carries the rate
	// learned from 429s. The zero value means that nothing is learned.
	Rate Limit
}

// private reports whether the claim's endpoint is one of very many.
func (c *Claim) private() bool {
	return c.Rate.N == 0 && len(c.Limits) > 0 && c.Limits[len(c.Limits)-1].Private
}

// Budget is where the counts live, and with them every decision when a request
// may be sent: the gates that a 429 closes, the buckets that guard the limits,
// and the rate learned from 429s. [NewLocalBudget] keeps them in this process.
// A Budget is safe for concurrent use.
type Budget interface {
	// Acquire waits until the claim's gate is open and every limit of it has
	// room, takes what the request needs, and returns the lease on it. The
	// error is a [*ThrottledError] where the request would have to wait longer
	// than maxWait or than ctx's deadline allows, which is known, and told, as
	// early as the numbers show it; and ctx's own error where it was cancelled.
	// Nothing is spent on an error.
	Acquire(ctx context.Context, c *Claim, maxWait time.Duration) (Lease, error)
	// Snapshot describes every bucket and gate that is in use.
	Snapshot() Snapshot
	// Close refuses all that wait and all that comes after, with
	// [ReasonClosed]. Leases that are out may still be settled.
	Close() error
}

// ObservableBudget is a [Budget] that can tell what happens in it: blocks and
// changes of learned rates. A [Transport] with an observer asks for it.
type ObservableBudget interface {
	Budget
	// Observe has the observer told of blocks and rates from now on.
	Observe(*Observer)
}

// EstimatingBudget is a [Budget] that can say how long a request would wait.
type EstimatingBudget interface {
	Budget
	// Estimate returns how long a request with the claim, and with the priority
	// and flow of the context, would wait if it came now.
	Estimate(context.Context, *Claim) time.Duration
}

// Lease is what a request holds while it is under way. Its methods are called
// by one goroutine.
type Lease interface {
	// Waited returns how long Acquire held the request back.
	Waited() time.Duration
	// Block closes the endpoint's gate for at least d, from now on, for
	// everybody. It is called as soon as a 429 with a Retry-After is seen.
	Block(d time.Duration)
	// Settle gives back what the request held. The first call counts.
	Settle(Outcome)
}

// Outcome is what became of a request, as far as budgets care.
type Outcome int

const (
	// Failed: no answer came, and the request may have reached the server. Its
	// tokens come back one window from now. The zero value.
	Failed Outcome = iota
	// Unsent: the request surely never left. Its tokens are free at once.
	Unsent
	// Answered: the server let the request through, whatever the status.
	Answered
	// Throttled: a 429 that came with a Retry-After, which Block has been told.
	Throttled
	// ThrottledBlind: a 429 that named no time: the gate backs off by itself.
	ThrottledBlind
	// Ruled: a 429 for a rule that no waiting cures. It says nothing of the rate.
	Ruled
)
