package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A plan is what the first reading of the input found.
type plan struct {
	opts    *options
	users   int
	bad     []rowError
	source  string
	ignored []string // columns that are not imported
}

// makePlan reads the whole input and remembers none of it.
func makePlan(o *options) (*plan, error) {
	p := &plan{opts: o}
	err := readRows(o,
		func(row) error { p.users++; return nil },
		func(e *rowError) error { p.bad = append(p.bad, *e); return nil },
		func(c *checker) {
			if c.source != nil {
				p.source = c.source.name
			}
			for column := range c.unknown {
				p.ignored = append(p.ignored, column)
			}
			slices.Sort(p.ignored)
		})
	if err != nil {
		return nil, err
	}
	if p.users == 0 && len(p.bad) == 0 {
		return nil, &fileError{o.input, 1, fmt.Errorf("no users in it")}
	}
	return p, nil
}

func (p *plan) print(w io.Writer) {
	n, window := p.opts.instanceLimit()
	fmt.Fprintf(w, "%s: %d users in the form of %s, %d invalid rows; at %d requests per %s that takes %s\n",
		p.opts.input, p.users, p.source, len(p.bad), n, window, shortest(p.users, n, window).Round(time.Second))
	if len(p.ignored) > 0 {
		fmt.Fprintf(w, "columns that are not imported (see -map): %s\n", strings.Join(p.ignored, ", "))
	}
}

// dryRun writes the rejects that are known without Clerk.
func (p *plan) dryRun(o *options, stdout io.Writer) (summary, error) {
	r, err := newRejects(o.rejects)
	if err != nil {
		return summary{}, err
	}
	for _, e := range p.bad {
		if err := r.add(e.line, "", e.reason); err != nil {
			return summary{}, err
		}
	}
	fmt.Fprintf(stdout, "dry run: %d users would be made, %d rows rejected; nothing was sent\n", p.users, len(p.bad))
	printRejects(stdout, r)
	return summary{total: p.users, rejected: len(p.bad)}, r.Close()
}

// summary counts what the journal says is settled of the users of this input.
func (p *plan) summary(o *options, j *journal) (summary, error) {
	s := summary{total: p.users}
	if len(j.users) == 0 {
		return s, nil
	}
	err := readRows(o, func(u row) error {
		if op := j.users[u.key].op; op == done || op == rejected {
			s.before++
		}
		return nil
	}, func(*rowError) error { return nil }, nil)
	return s, err
}

// shortest is the least time in which a limit lets so many requests through: no
// window holds more than n, so every n of them begin another window. For 2,000
// users on 100 per 10 s it is (2000−100)/10 s; one more takes 10 s more.
func shortest(requests, n int, window time.Duration) time.Duration {
	return time.Duration(max(0, requests-1)/n) * window
}
