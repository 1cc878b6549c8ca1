package transport

import (
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/adapt"
	"github.com/clerkthrottle/clerkthrottle-go/internal/gate"
	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// endpoint is what one endpoint has to itself: the gate that a 429 closes, the
// rate learned from 429s, and what is counted.
type endpoint struct {
	name, key string
	gate      station
	block     gate.Gate     // the gate's rule
	gateEpoch int32         // how often it closed
	rate      *station      // nil: nothing is learned
	learned   bool          // a rate was learned, and it is not known that it was forgotten
	private   bool          // there may be very many like it
	latency   time.Duration // what an answer takes, on average, or unknown
	used      time.Duration // when a request was sent last
	sent      int64
	stats     *stats // nil: nothing has happened but sending
}

// stats is what is counted of an endpoint, once there is something to count.
type stats struct {
	tally.Counts // but Sent
	waits        tally.Histogram
	reopen       *time.Timer   // tells the observers that the gate is open again
	announced    time.Duration // the end of the block that they were told of last
}

// unknown is the latency of an endpoint without an answer.
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

// idle reports whether the endpoint may be forgotten: a new one would behave the
// same, and what it counted is no longer shown, or is one of very many.
func (ep *endpoint) idle(now time.Duration) bool {
	return ep.gate.idle(now) && (ep.rate == nil || ep.rate.idle(now)) &&
		(ep.private || ep.sent == 0 || now-ep.used >= tally.Length)
}

// answered learns from an answer to a request that was sent at the given moment.
func (ep *endpoint) answered(now, sent time.Duration) {
	const memory = 16 // answers that the average remembers
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

// sendLocked notes that p is sent now.
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

// unsendLocked takes back that p was sent: it gave up at that very moment.
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

// countLocked counts something that happens seldom.
func (s *scheduler) countLocked(ep *endpoint, now time.Duration, c tally.Counts) {
	ep.statistics().Add(c)
	s.history.Note(now, c, 0)
}

// throttledLocked learns from a 429 that a token would have cured. In a dry run one
// that the program brought about itself teaches nothing.
func (s *scheduler) throttledLocked(p *permit, now time.Duration) {
	ep := p.endpoint
	s.countLocked(ep, now, tally.Counts{Throttled: 1})
	if ep.rate == nil || s.cfg.DryRun && p.overdrawn(now) || !ep.rate.rate.Throttled(now, p.sent, ep.block.Until()) {
		return
	}
	s.wakeLocked(ep.rate) // the rate changed, and with it the time to wake
	ep.learned = true
	s.rateChangedLocked(ep, now)
}

// forgottenLocked tells the observers, once, that nothing of what an endpoint
// learned is left. It is called with every look at an endpoint.
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

// blockedLocked tells the observers, and the other programs, that an endpoint's gate
// has closed, or stays closed for longer, and sees to it that the former hear when
// it opens.
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

// longerBlock is how much later a block must end than the observers were told
// before they are told again: the answers of one burst say nearly the same.
const longerBlock = time.Second

// reopened is what the timer of a closed gate does.
func (s *scheduler) reopened(ep *endpoint) {
	s.mu.Lock()
	defer s.unlock()
	if s.closed || ep.block.Closed(s.now()) {
		return // closed for longer since: the timer has been set anew
	}
	e := BlockEvent{Endpoint: ep.name, Key: ep.key, Until: s.epoch.Add(ep.block.Until())}
	for _, o := range s.observers {
		if o.Unblocked != nil {
			s.events = append(s.events, func() { o.Unblocked(e) })
		}
	}
}
