package bench

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/peers"
)

// Report is what a comparison of all peers in all cases brought.
type Report struct {
	Seed uint64
	Rows []Row
}

// Row is one peer in one case.
type Row struct {
	Case, Peer string
	Outcome
}

// Of returns the rows of a case, in the order of the peers.
func (r *Report) Of(c Case) []Row {
	return slices.DeleteFunc(slices.Clone(r.Rows), func(row Row) bool { return row.Case != c.Name })
}

// find returns the row of a peer in a case.
func (r *Report) find(c Case, p peers.Peer) (Row, bool) {
	for _, row := range r.Of(c) {
		if row.Peer == p.Name {
			return row, true
		}
	}
	return Row{}, false
}

// tie is how close two times are that count as equal: a burst ends with the
// slowest of a thousand answers, whoever sent the requests.
const tie = 0.01

// Verdict says how the throttle compares in a case.
type Verdict struct {
	Worse  []string // peers that met fewer 429s, or were faster by more than a tie
	Ties   []string // peers that met as few 429s, or were as fast
	Reason map[string]string
}

// Judge compares the first row, the throttle, with the others.
func Judge(rows []Row) Verdict {
	v := Verdict{Reason: make(map[string]string)}
	ours := rows[0]
	for _, row := range rows[1:] {
		var why []string
		lost := false
		switch {
		case row.Rejected < ours.Rejected:
			lost = true
			why = append(why, fmt.Sprintf("fewer 429s: %d", row.Rejected))
		case row.Rejected == ours.Rejected:
			why = append(why, fmt.Sprintf("as few 429s: %d", row.Rejected))
		}
		switch quotient := row.Slowdown / ours.Slowdown; {
		case quotient < 1-tie:
			lost = true
			why = append(why, fmt.Sprintf("%.1f %% less time", 100*(1-quotient)))
		case quotient <= 1+tie:
			why = append(why, fmt.Sprintf("as fast: %+.1f %%", 100*(quotient-1)))
		}
		switch {
		case lost:
			v.Worse = append(v.Worse, row.Peer)
		case len(why) > 0:
			v.Ties = append(v.Ties, row.Peer)
		}
		v.Reason[row.Peer] = strings.Join(why, ", ")
	}
	return v
}

// Markdown writes the report for a reader.
func (r *Report) Markdown() string {
	var b strings.Builder
	b.WriteString(introduction)
	b.WriteString("## How each is set up\n\n")
	for _, p := range append([]peers.Peer{peers.Throttle()}, peers.All()...) {
		loose := ""
		if p.Loose {
			loose = " Its random numbers cannot be seeded: its figures vary from run to run."
		}
		fmt.Fprintf(&b, "- **%s**: %s.%s\n", p.Name, p.Setup, loose)
	}
	others := false
	for _, c := range Cases() {
		rows := r.Of(c)
		if len(rows) == 0 {
			continue
		}
		if c.Algorithm != clerktest.SlidingLog && !others {
			others = true
			b.WriteString(otherServers)
		}
		c.section(&b, rows)
	}
	return b.String()
}

const introduction = `# Results

Made by ` + "`go test ./internal/bench -run TestPeers -update`" + `; do not edit.

What a program gets from this throttle, and what it would get from the libraries
one would otherwise put under its Clerk client: the same server, callers, latencies
(lognormal, median 50 ms) and seed, 1000 requests per 10 s, in virtual time. A 429
blocks the endpoint until its Retry-After ends, as Clerk documents. The server
counts by a sliding log, the strictest way there is, unless the table says otherwise:
Clerk does not document how it counts.

Every program has a number of calls to get done. Where a client gives up and hands
back a 429 or an error, that is a failure, and the program asks again a second later
until it has what it wants.

- *429s*: what the server answered; in brackets, for a thousand calls.
- *time*: against the shortest possible, in which a client that knows everything
  sends 1000 at once and 1000 in each window after it, less what others got.
- *of the limit*: what the server let through, of what it could have in that time.
- *wait*: from first asking to having the answer.

`

const otherServers = `
# Servers that are less strict

A client that happens to count as its server does gains what the strictest reading
forbids: around the edge of a fixed window 2,000 requests pass in a moment. The
throttle takes no such chances, and pays one round trip per window for not knowing.
`

func (c Case) section(b *strings.Builder, rows []Row) {
	fmt.Fprintf(b, "\n## %s\n\n%s.\n\n", c.Name, upper(c.What))
	b.WriteString("| | finished | failed | 429s | time | of the limit | wait p50 | p99 |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for i, row := range rows {
		name := row.Peer
		if i == 0 {
			name = "**" + name + "**"
		}
		fmt.Fprintf(b, "| %s | %d | %d | %d (%.1f) | %.3f (%.0f s) | %.3f | %s | %s |\n", name, row.Finished, row.Failed,
			row.Rejected, row.per1000(), row.Slowdown, row.Took.Seconds(), row.Share, seconds(row.P50), seconds(row.P99))
	}
	v := Judge(rows)
	say := func(what string, peers []string) {
		for _, p := range peers {
			fmt.Fprintf(b, "- %s: %s (%s)\n", what, p, v.Reason[p])
		}
	}
	b.WriteString("\n")
	if len(v.Worse) == 0 {
		b.WriteString("No peer met fewer 429s, and none was faster by more than 1 %.\n\n")
	}
	say("better than the throttle in one respect", v.Worse)
	say("ties in one respect", v.Ties)
	fmt.Fprintf(b, "\n![%s](charts/%s.svg)\n", c.Name, c.Name)
	if rows[0].Timeline != nil {
		fmt.Fprintf(b, "\n![%s over time](charts/%s-timeline.svg)\n", c.Name, c.Name)
	}
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
