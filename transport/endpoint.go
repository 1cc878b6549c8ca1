package transport

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/adapt"
	"github.com/clerkthrottle/clerkthrottle-go/internal/gate"
	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// endpoint is the state of one endpoint: the gate that a 429 closes, the rate learned
// from 429s, and its counts.
type endpoint struct {
	name, key string
	gate      station
	block     gate.Gate     // the gate station's rule
	gateEpoch int32         // counts how often it closed
	rate      *station      // nil: no rate is learned
	learned   bool          // observers know of a learned rate, and not yet of its end
	private   bool          // there may be very many like it
	latency   time.Duration // moving average, or unknown
	used      time.Duration // when a request was last sent
	sent      int64
	stats     *stats // nil: nothing to count but sent
}

// stats counts what else happens to an endpoint's requests; most have nothing.
type stats struct {
	tally.Counts // except Sent
	waits        tally.Histogram
	reopen       *time.Timer   // notifies the observers when the gate opens
	announced    time.Duration // the end of the block in the observers' last Blocked
}

// unknown is the latency of an endpoint that has had no answer.
const unknown time.Duration = -1

func newEndpoint(c *Claim, yields bool) *endpoint {
	ep := &endpoint{name: c.Endpoint, key: c.Key, private: c.private(), latency: unknown}
	ep.block.Spread = len(c.Limits) == 0 && c.Rate.N == 0
	ep.gate.gate = &ep.block
	if c.Rate.N > 0 {
		ep.rate = &station{rate: adapt.New(c.Rate.N, c.Rate.Window, yields), limit: &c.Rate}
	}
	return ep
}

// idle reports whether the endpoint may be evicted: a new one would behave the same,
// and its counts are older than the history, or it is one of very many.
func (ep *endpoint) idle(now time.Duration) bool {
	return ep.gate.idle(now) && (ep.rate == nil || ep.rate.idle(now)) &&
		(ep.private || ep.sent == 0 || now-ep.used >= tally.Length)
}

// answered records the answer to a request that was sent at sent.
func (ep *endpoint) answered(now, sent time.Duration) {
	const memory = 16 // answers that the average spans
	if ep.latency == unknown {
		ep.latency = now - sent
	}
	ep.latency += (now - sent - ep.latency) / memory
	ep.block.Pass(sent)
	if ep.rate != nil {
		ep.rate.rate.Answered(now)
	}
}

func (ep *endpoint) statistics() *stats {
	if ep.stats == nil {
		ep.stats = new(stats)
	}
	return ep.stats
}

// sendLocked counts p as sent now.
func (s *scheduler) sendLocked(p *permit, now time.Duration) {
	ep := p.endpoint
	p.sent, ep.used = now, now
	if ep.rate != nil && !p.paced {
		ep.rate.rate.Take(now)
		p.paced = true
	}
	c, wait := p.sendCounts()
	ep.sent++
	if c.Waited > 0 || c.Retried > 0 {
		n := ep.statistics()
		n.Add(c)
		if wait > 0 {
			n.waits.Note(wait)
		}
	}
	s.history.Note(now, c, wait)
}

// unsendLocked undoes sendLocked for a p whose context ended just then.
func (s *scheduler) unsendLocked(p *permit) {
	c, wait := p.sendCounts()
	ep, back := p.endpoint, c.Negative()
	ep.sent--
	if c.Waited > 0 || c.Retried > 0 {
		ep.stats.Add(back)
		if wait > 0 {
			ep.stats.waits.Unnote(wait)
		}
	}
	s.history.Note(p.sent, back, -wait)
}

// countLocked adds counts other than of requests sent.
func (s *scheduler) countLocked(ep *endpoint, now time.Duration, c tally.Counts) {
	ep.statistics().Add(c)
	s.history.Note(now, c, 0)
}

// throttledLocked learns from a 429 that came for the rate of requests. In a dry run,
// a 429 that the program caused by exceeding a limit itself teaches nothing.
func (s *scheduler) throttledLocked(p *permit, now time.Duration) {
	ep := p.endpoint
	s.countLocked(ep, now, tally.Counts{Throttled: 1})
	if ep.rate == nil || s.cfg.DryRun && p.overdrawn(now) || !ep.rate.rate.Throttled(now, p.sent, ep.block.Until()) {
		return
	}
	s.wakeLocked(ep.rate) // at the new rate the line wakes at another time
	ep.learned = true
	s.rateChangedLocked(ep, now)
}

// noteUnlearnedLocked notifies the observers, once, when an endpoint's learned rate
// no longer applies. It is called whenever an endpoint is looked up.
func (s *scheduler) noteUnlearnedLocked(ep *endpoint, now time.Duration) {
	if ep.learned && !ep.rate.rate.Learned(now) {
		ep.learned = false
		s.rateChangedLocked(ep, now)
	}
}

func (s *scheduler) rateChangedLocked(ep *endpoint, now time.Duration) {
	e := RateEvent{
		Endpoint: ep.name, Key: ep.key, Learned: ep.learned,
		Rate: ep.rate.rate.PerSecond(now), Documented: ep.rate.limit.perSecond(),
	}
	for _, o := range s.observers {
		if o.RateChanged != nil {
			s.events = append(s.events, func() { o.RateChanged(e) })
		}
	}
}

// announceBlockLocked tells the observers and the other programs that an endpoint's
// gate has closed, or stays closed longer, and sets the timer that tells the
// observers when it opens.
func (s *scheduler) announceBlockLocked(ep *endpoint, now time.Duration) {
	until := ep.block.Until()
	if until <= now || s.closed {
		return
	}
	if s.fleet != nil && !ep.private {
		s.fleet.reportBlockLocked(ep, now)
	}
	if len(s.observers) == 0 {
		return
	}
	n := ep.statistics()
	if n.reopen == nil {
		n.reopen = time.AfterFunc(until-now, func() { s.reopened(ep) })
	} else {
		n.reopen.Reset(until - now)
	}
	if n.announced > now && until-n.announced < longerBlock {
		return
	}
	n.announced = until
	e := BlockEvent{Endpoint: ep.name, Key: ep.key, Until: s.epoch.Add(until), For: until - now}
	for _, o := range s.observers {
		if o.Blocked != nil {
			s.events = append(s.events, func() { o.Blocked(e) })
		}
	}
}

// longerBlock is how much a block must be extended before the observers are notified
// again: the 429s of one burst end within moments of each other.
const longerBlock = time.Second

// reopened runs when the timer of a closed gate fires.
func (s *scheduler) reopened(ep *endpoint) {
	s.lock()
	defer s.unlock()
	if s.closed || ep.block.Closed(s.now()) {
		return // the block was extended: the timer has been reset
	}
	e := BlockEvent{Endpoint: ep.name, Key: ep.key, Until: s.epoch.Add(ep.block.Until())}
	for _, o := range s.observers {
		if o.Unblocked != nil {
			s.events = append(s.events, func() { o.Unblocked(e) })
		}
	}
}
