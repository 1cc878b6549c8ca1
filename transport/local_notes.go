package transport

import (
	"context"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/tally"
)

// sendLocked notes that l is sent now.
func (b *localBudget) sendLocked(l *lease, now time.Duration) {
	ep := l.endpoint
	l.sent = now
	if ep.pace != nil && !l.paced {
		ep.pace.rate.Take(now)
		l.paced = true
	}
	c, wait := l.sending()
	ep.sent++
	if c != (tally.Counts{Sent: 1}) {
		n := ep.notes()
		n.Add(c)
		if wait > 0 {
			n.waits.Note(wait)
		}
	}
	b.history.Note(now, c, wait)
}

// unsendLocked takes back that l was sent: it gave up at that very moment.
func (b *localBudget) unsendLocked(l *lease) {
	c, wait := l.sending()
	ep, back := l.endpoint, c.Negative()
	ep.sent--
	if c != (tally.Counts{Sent: 1}) {
		ep.noted.Add(back)
		if wait > 0 {
			ep.noted.waits.Unnote(wait)
		}
	}
	b.history.Note(l.sent, back, -wait)
}

// sending returns what counts of a request that is sent.
func (l *lease) sending() (c tally.Counts, wait time.Duration) {
	c, wait = tally.Counts{Sent: 1}, l.Waited()
	if l.retry {
		c.Retried = 1
	}
	if wait > 0 {
		c.Waited = 1
	}
	return c, wait
}

// noteLocked counts something that happens seldom.
func (b *localBudget) noteLocked(l *lease, now time.Duration, c tally.Counts, wait time.Duration) {
	l.endpoint.notes().Add(c)
	b.history.Note(now, c, wait)
}

// throttledLocked learns from a 429 that a token would have cured.
func (b *localBudget) throttledLocked(l *lease, now time.Duration) {
	b.noteLocked(l, now, tally.Counts{Throttled: 1}, 0)
	ep := l.endpoint
	if ep.pace == nil || !ep.pace.rate.Throttled(now, l.sent, ep.gateRule.Until()) {
		return
	}
	b.wakeLocked(&ep.pace.station) // the rate changed, and with it the time to wake
	ep.slowed = true
	b.rateChangedLocked(ep, now)
}

// forgottenLocked tells the observers, once, that nothing of what an endpoint
// learned is left. It is called whenever somebody comes upon the endpoint.
func (b *localBudget) forgottenLocked(ep *endpoint, now time.Duration) {
	if ep.slowed && !ep.pace.rate.Learned(now) {
		ep.slowed = false
		b.rateChangedLocked(ep, now)
	}
}

func (b *localBudget) rateChangedLocked(ep *endpoint, now time.Duration) {
	e := RateEvent{
		Endpoint: ep.name, Key: ep.key, Learned: ep.slowed,
		Rate: ep.pace.rate.PerSecond(now), Documented: perSecond(ep.pace.limit),
	}
	for _, o := range b.observers {
		if o.RateChanged != nil {
			b.events = append(b.events, func() { o.RateChanged(e) })
		}
	}
}

// blockedLocked tells the observers that an endpoint's gate has closed, or stays
// closed for longer, and sees to it that they hear when it opens.
func (b *localBudget) blockedLocked(ep *endpoint, now time.Duration) {
	until := ep.gateRule.Until()
	if len(b.observers) == 0 || until <= now || b.closed {
		return
	}
	n := ep.notes()
	if n.reopen == nil {
		n.reopen = time.AfterFunc(until-now, func() { b.reopened(ep) })
	} else {
		n.reopen.Reset(until - now)
	}
	if n.told > now && until-n.told < longerBlock {
		return
	}
	n.told = until
	e := BlockEvent{Endpoint: ep.name, Key: ep.key, Until: b.epoch.Add(until), For: until - now}
	for _, o := range b.observers {
		if o.Blocked != nil {
			b.events = append(b.events, func() { o.Blocked(e) })
		}
	}
}

// longerBlock is how much later a block must end than the observers were told
// before they are told again: the answers of one burst say nearly the same.
const longerBlock = time.Second

// reopened is what the timer of a closed gate does.
func (b *localBudget) reopened(ep *endpoint) {
	b.mu.Lock()
	defer b.unlock()
	if b.closed || !ep.gateRule.Ready(b.now()) {
		return // closed for longer since: the timer has been set anew
	}
	e := BlockEvent{Endpoint: ep.name, Key: ep.key, Until: b.epoch.Add(ep.gateRule.Until())}
	for _, o := range b.observers {
		if o.Unblocked != nil {
			b.events = append(b.events, func() { o.Unblocked(e) })
		}
	}
}

// Observe implements [ObservableBudget].
func (b *localBudget) Observe(o *Observer) {
	b.mu.Lock()
	defer b.unlock()
	b.observers = append(b.observers, o)
}

// Estimate implements [EstimatingBudget].
func (b *localBudget) Estimate(ctx context.Context, c *Claim) time.Duration {
	terms := termsOf(ctx)
	l := &lease{budget: b, claim: c, class: terms.priority.class(), flow: terms.flow}
	b.mu.Lock()
	defer b.unlock()
	now := b.now()
	b.routeLocked(l, now, false)
	at, _ := l.earliestLocked(now)
	b.leaveLocked(l)
	return at - now
}
