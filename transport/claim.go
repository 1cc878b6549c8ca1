package transport

import (
	"sync/atomic"
	"time"
)

// Limit allows at most N requests with the same Key to reach the server in any
// Window.
type Limit struct {
	// Name is the limit's name in messages and snapshots.
	Name string
	// Key identifies the bucket: limits with the same key share one, within one
	// transport or one [Budget]. It must not hold a secret. Limits with one key must
	// have the same N and Window; the first one seen decides.
	Key    string
	N      int
	Window time.Duration
	// Private marks a limit of one resource or one address: there may be very many
	// like it.
	Private bool
}

// perSecond returns the limit's rate, in requests per second.
func (l *Limit) perSecond() float64 { return float64(l.N) / l.Window.Seconds() }

// Claim says which limits a request draws on. [Config.Classify] may return the same
// Claim for many requests, which is cheaper. A Claim must not be changed once it has
// been returned, nor copied.
type Claim struct {
	// Endpoint is the request's method and path template, for messages.
	Endpoint string
	// Key identifies the endpoint's gate, which a 429 closes for all requests with
	// the same key. It must not hold a secret.
	Key string
	// Limits lists every limit that the request draws on, from the most private to
	// the most widely shared. A request waits for them in this order, so that it
	// holds no shared token while it waits for a private one.
	Limits []Limit
	// Rate is the size of the endpoint's token bucket, which carries the rate
	// learned from 429s. If its N is 0, nothing is learned; if it is Private as well,
	// there may be very many endpoints like this one.
	Rate Limit

	route atomic.Pointer[route] // cached by routeLocked
}

// private reports whether the claim's endpoint is one of very many.
func (c *Claim) private() bool {
	return c.Rate.N == 0 && (c.Rate.Private || len(c.Limits) > 0 && c.Limits[len(c.Limits)-1].Private)
}
