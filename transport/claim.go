package transport

import (
	"sync/atomic"
	"time"
)

// Limit is a count that a request draws on: no more than N requests that name
// the same Key may reach the server in any Window.
type Limit struct {
	// Name is what messages and snapshots call the limit.
	Name string
	// Key names the bucket that counts it: same key, same bucket, within one
	// transport or one [Budget]. It never holds a secret. All limits of one key
	// have the same N and Window; the first one seen decides.
	Key    string
	N      int
	Window time.Duration
	// Private says that the limit is counted for one resource or one address:
	// there may be very many like it.
	Private bool
}

// perSecond returns the rate of the limit.
func (l *Limit) perSecond() float64 { return float64(l.N) / l.Window.Seconds() }

// Claim says what a request draws on. A [Config.Classify] may hand the same
// Claim out for many requests, which is cheaper: nobody changes or copies one once
// it is made.
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
	// learned from 429s. Without an N nothing is learned. A Rate that is Private,
	// too, says that there may be very many endpoints like this one.
	Rate Limit

	route atomic.Pointer[route] // the last one
}

// private reports whether the claim's endpoint is one of very many.
func (c *Claim) private() bool {
	return c.Rate.N == 0 && (c.Rate.Private || len(c.Limits) > 0 && c.Limits[len(c.Limits)-1].Private)
}
