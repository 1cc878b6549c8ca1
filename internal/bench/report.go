package bench

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/internal/bench/peers"
)

// Report is the results of all peers in all cases.
type Report struct {
	Seed uint64
	Rows []Row
}

// Row is the result of one peer in one case.
type Row struct {
	Case, Peer string
	Outcome
}

// Of returns a case's rows, in the order of the peers.
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

// tie is the relative difference below which two times count as equal: a burst ends
// with the slowest of a thousand answers, whichever client sent the requests.
const tie = 0.01

// Verdict says in what a peer equals or beats the throttle.
type Verdict struct {
	Peer   string
	Better bool // it met fewer 429s, or was faster by more than a tie
	Why    string
}

// Judge compares the first row, which is the throttle's, with the others. It omits
// peers that neither equal nor beat it in anything.
func Judge(rows []Row) (all []Verdict) {
	ours := rows[0]
	for _, row := range rows[1:] {
		var why []string
		quotient := row.Slowdown / ours.Slowdown
		if row.Rejected < ours.Rejected {
			why = append(why, fmt.Sprintf("fewer 429s: %d", row.Rejected))
		} else if row.Rejected == ours.Rejected {
			why = append(why, fmt.Sprintf("as few 429s: %d", row.Rejected))
		}
		if quotient < 1-tie {
			why = append(why, fmt.Sprintf("%.1f %% less time", 100*(1-quotient)))
		} else if quotient <= 1+tie {
			why = append(why, fmt.Sprintf("as fast: %+.1f %%", 100*(quotient-1)))
		}
		if len(why) > 0 {
			all = append(all, Verdict{row.Peer, row.Rejected < ours.Rejected || quotient < 1-tie, strings.Join(why, ", ")})
		}
	}
	return all
}

// Files returns the report's files by name: a page of tables, and charts.
func (r *Report) Files() (map[string][]byte, error) {
	charts, err := r.charts()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"RESULTS.md": []byte(r.markdown())}
	for name, svg := range charts {
		files[filepath.Join("charts", name)] = svg
	}
	return files, nil
}

func (r *Report) markdown() string {
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

This throttle compared with the libraries that one would otherwise use under a Clerk
client: the same server, callers, latencies (lognormal, median 50 ms) and seed, 1000
requests per 10 s, in virtual time. A 429 blocks the endpoint until its Retry-After
ends, as Clerk documents. The server counts by a sliding log, the strictest way,
unless the table says otherwise: Clerk does not document how it counts.

Every program has a number of calls to get done. If a client gives up and returns a
429 or an error, that is a failure, and the program calls again a second later until
it succeeds.

- *429s*: the server's 429 answers; in brackets, per thousand calls.
- *time*: relative to the shortest possible, in which a client that knows everything
  sends 1000 at once and 1000 in each window after it, less what others used.
- *of the limit*: requests that the server accepted, of those it could have in that time.
- *wait*: from the first attempt to success.

`

const otherServers = `
# Servers that are less strict

A client that happens to count as its server does can send what the strictest reading
forbids: around the edge of a fixed window 2,000 requests pass at once. The throttle
does not rely on that, and pays one round trip per window for it.
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
	var better, ties strings.Builder
	for _, v := range Judge(rows) {
		if v.Better {
			fmt.Fprintf(&better, "- better than the throttle in one respect: %s (%s)\n", v.Peer, v.Why)
		} else {
			fmt.Fprintf(&ties, "- ties in one respect: %s (%s)\n", v.Peer, v.Why)
		}
	}
	b.WriteString("\n")
	if better.Len() == 0 {
		b.WriteString("No peer met fewer 429s, and none was faster by more than 1 %.\n\n")
	}
	b.WriteString(better.String() + ties.String())
	fmt.Fprintf(b, "\n![%s](charts/%s.svg)\n", c.Name, c.Name)
	if rows[0].Timeline != nil {
		fmt.Fprintf(b, "\n![%s over time](charts/%s-timeline.svg)\n", c.Name, c.Name)
	}
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
