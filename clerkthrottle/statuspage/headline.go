package statuspage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// sentence is a line of text with names and countdowns in it.
type sentence []segment

// segment is a piece of a sentence: plain text, a name, or a countdown.
type segment struct {
	Text  string
	Name  string
	Until time.Time
	Left  time.Duration // to Until, from the snapshot's time
}

// cause is something that holds requests back.
type cause struct {
	says     sentence
	announce string // the same without numbers
	waiting  int
}

// answer says whether the limit is the reason: what holds the most requests in
// the headline, the rest below it.
func (v *view) answer(s transport.Snapshot) {
	recent := total(s.History, s.Time.Add(-chartSpan))
	if recent.Sent+recent.Refused+recent.Throttled > 0 {
		v.Recent = "Last ten minutes: " + recentText(recent)
	}
	found := causes(s)
	if len(found) == 0 {
		v.calm(total(s.History, s.Time.Add(-time.Minute)))
		return
	}
	v.Answer, v.Headline = "Yes", found[0].says
	announce := make([]string, 0, len(found))
	for i, c := range found {
		announce = append(announce, c.announce)
		if i > 0 {
			v.Also = append(v.Also, c.says)
		}
	}
	v.Announce = strings.Join(announce, ". ")
}

// calm is the answer while nothing waits and nothing is blocked.
func (v *view) calm(minute transport.Counts) {
	v.Answer, v.Headline, v.Announce = "No", text("Nothing waits"), "Nothing waits"
	switch {
	case v.Empty:
		v.Answer, v.Headline, v.Announce = "", text("No request yet"), ""
	case minute.Throttled > 0 || minute.Waited > 0 || minute.Refused > 0:
		v.Answer = "Not now"
		v.Also = []sentence{text("Last minute: " + recentText(minute))}
	}
}

// causes lists what holds requests back, the most effective first.
func causes(s transport.Snapshot) []cause {
	var found []cause
	if c := blockCause(s); c != nil {
		found = append(found, *c)
	}
	found = append(found, limitCauses(s)...)
	if c := rateCause(s); c != nil {
		found = append(found, *c)
	}
	slices.SortStableFunc(found, func(a, b cause) int { return cmp.Compare(b.waiting, a.waiting) })
	return found
}

func blockCause(s transport.Snapshot) *cause {
	var last transport.EndpointSnapshot
	n, waiting := 0, 0
	for _, e := range s.Endpoints {
		if !blocked(e, s.Time) {
			continue
		}
		n, waiting = n+1, waiting+e.Waiting
		if n == 1 || e.BlockedUntil.After(*last.BlockedUntil) {
			last = e
		}
	}
	if n == 0 {
		return nil
	}
	c := &cause{waiting: waiting}
	end := segment{Until: *last.BlockedUntil, Left: last.BlockedUntil.Sub(s.Time)}
	if n == 1 {
		c.says = sentence{{Name: last.Endpoint}, {Text: " is blocked for another "}, end, {Text: " after a 429"}}
		c.announce = last.Endpoint + " is blocked after a 429"
	} else {
		c.says = sentence{{Text: num(n) + " endpoints are blocked after 429s, the last for another "}, end}
		c.announce = "Endpoints are blocked after 429s"
	}
	if waiting > 0 {
		c.says = append(c.says, segment{Text: "; " + verb(waiting, "request", "waits", "wait")})
	}
	return c
}

// limitCauses has one entry a limit, or one for them all where they are many:
// every user has a limit of its own.
func limitCauses(s transport.Snapshot) []cause {
	var found []cause
	waiting := 0
	for _, l := range s.Limits {
		if l.Waiting == 0 {
			continue
		}
		waiting += l.Waiting
		says := sentence{
			{Text: verb(l.Waiting, "request", "waits", "wait") + " for the limit “"},
			{Name: l.Name},
			{Text: "”"},
		}
		if l.Next != nil && l.Next.After(s.Time) {
			says = append(says, segment{Text: "; the next goes in "}, segment{Until: *l.Next, Left: l.Next.Sub(s.Time)})
		}
		found = append(found, cause{says: says, announce: "Requests wait for the limit " + l.Name, waiting: l.Waiting})
	}
	const few = 2
	if len(found) <= few {
		return found
	}
	return []cause{{
		says:     text(verb(waiting, "request", "waits", "wait") + " for " + num(len(found)) + " limits"),
		announce: "Requests wait for several limits",
		waiting:  waiting,
	}}
}

// rateCause is about requests that wait at an endpoint that is open: what was
// learned from its 429s paces them.
func rateCause(s transport.Snapshot) *cause {
	var busiest transport.EndpointSnapshot
	n, waiting := 0, 0
	for _, e := range s.Endpoints {
		if e.Waiting == 0 || blocked(e, s.Time) {
			continue
		}
		n, waiting = n+1, waiting+e.Waiting
		if e.Waiting > busiest.Waiting {
			busiest = e
		}
	}
	if n == 0 {
		return nil
	}
	rate, size := "rate", perSecond(busiest.Rate)
	if busiest.Learned {
		rate, size = "learned rate", size+" of "+perSecond(busiest.Documented)
	}
	wait := verb(waiting, "request", "waits", "wait") + " for the "
	if n > 1 {
		return &cause{
			says:     text(wait + rate + "s of " + num(n) + " endpoints"),
			announce: "Requests wait for the " + rate + "s of endpoints",
			waiting:  waiting,
		}
	}
	c := &cause{
		says:     sentence{{Text: wait + rate + " of "}, {Name: busiest.Endpoint}},
		announce: "Requests wait for the " + rate + " of " + busiest.Endpoint,
		waiting:  waiting,
	}
	if busiest.Rate > 0 {
		c.says = append(c.says, segment{Text: ", " + size + " a second"})
	}
	return c
}

func blocked(e transport.EndpointSnapshot, now time.Time) bool {
	return e.BlockedUntil != nil && e.BlockedUntil.After(now)
}

func text(s string) sentence { return sentence{{Text: s}} }

// verb returns "1 request waits" or "23 requests wait".
func verb(n int, noun, one, many string) string {
	if n == 1 {
		return "1 " + noun + " " + one
	}
	return plural(n, noun) + " " + many
}

// total adds up the slices that began at or after a moment.
func total(h transport.History, from time.Time) transport.Counts {
	var sum transport.Counts
	for _, s := range h.Slices {
		if s.Start.Add(h.Slice).After(from) {
			sum = plus(sum, s.Counts)
		}
	}
	return sum
}

func plus(a, b transport.Counts) transport.Counts {
	return transport.Counts{
		Sent:      a.Sent + b.Sent,
		Waited:    a.Waited + b.Waited,
		Refused:   a.Refused + b.Refused,
		Throttled: a.Throttled + b.Throttled,
		Retried:   a.Retried + b.Retried,
	}
}

// recentText says what became of the requests of a while: "40,950 sent, 6,727
// of them held back, 11 answered 429".
func recentText(c transport.Counts) string {
	s := num(c.Sent) + " sent, " + num(c.Waited) + " of them held back, " + num(c.Throttled) + " answered 429"
	if c.Refused > 0 {
		s += "; " + num(c.Refused) + " refused"
	}
	return s + "."
}
