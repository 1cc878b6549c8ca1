package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/journal"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/report"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/rows"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
)

// A plan is what the first reading of the input found, which remembers none of
// it.
type plan struct {
	users, requests    int
	banned, unverified int // users
	bad                int // rows
	preview            string
	source             string
	left               []string // columns that are not imported
	comments           int
}

// read reads the input from the beginning. It calls each for every user, bad for
// every row that is none, and returns the reader and the checker at the end.
func (o *options) read(in *rows.Input, each func(*users.User) error, bad func(line int, user, reason string) error) (rows.Reader, *users.Checker, error) {
	check, err := users.NewChecker(o.rows)
	if err != nil {
		return nil, nil, err
	}
	var columns []string
	if o.rows.From == users.Auto || o.rows.From == "firebase" {
		columns = users.FirebaseColumns
	}
	r, err := in.Rows(columns)
	if err != nil {
		return nil, nil, err
	}
	for {
		var u *users.User
		row, err := r.Next()
		if err == nil {
			u, err = check.Check(row.Line, row.Fields)
		}
		unreadable, rejected := (*rows.RowError)(nil), (*users.Rejection)(nil)
		switch {
		case errors.Is(err, io.EOF):
			return r, check, nil
		case errors.As(err, &unreadable):
			err = bad(unreadable.Line, "", unreadable.Reason)
		case errors.As(err, &rejected):
			err = bad(rejected.Line, rejected.User, rejected.Reason)
		case err == nil:
			err = each(u)
		}
		if err != nil {
			return r, check, err
		}
	}
}

// makePlan reads the whole input, so that a file that cannot be read is told
// before anything is sent.
func (o *options) makePlan(in *rows.Input, bad func(line int, user, reason string) error) (*plan, error) {
	p := &plan{}
	r, check, err := o.read(in, func(u *users.User) error {
		if p.users++; p.users == 1 {
			p.preview = u.Preview()
		}
		p.requests += u.Requests()
		if u.Ban {
			p.banned++
		}
		if len(u.Emails)+len(u.Phones) > 0 {
			p.unverified++
		}
		return nil
	}, func(line int, user, reason string) error { p.bad++; return bad(line, user, reason) })
	if err != nil {
		return nil, err
	}
	p.source, p.left, p.comments = check.Source(), check.LeftOut(), r.Skipped()
	if p.users == 0 && p.bad == 0 {
		return nil, &rows.FileError{Name: in.Name, Line: 1, Err: errors.New("no users in it")}
	}
	return p, nil
}

func (p *plan) print(w io.Writer, o *options, name string) {
	n, window := o.send.Allowance()
	form := ""
	switch p.source {
	case "": // no row could be read
	case users.Other:
		form = ", of no export that is known here (see -from), read by the names of its columns"
	default:
		form = ", in the form of " + p.source
	}
	fmt.Fprintf(w, "%s: %d users, %d invalid rows%s\n", name, p.users, p.bad, form)
	if p.comments > 0 {
		fmt.Fprintf(w, "%d comment lines, which begin with #, are passed over\n", p.comments)
	}
	if p.unverified > 0 {
		fmt.Fprintf(w, "%d users have addresses that are not verified: added as such (see -unverified; -assume-verified where the file has no word on it)\n", p.unverified)
	}
	if p.banned > 0 {
		fmt.Fprintf(w, "%d users are banned where they come from, and will be at Clerk\n", p.banned)
	}
	if len(p.left) > 0 {
		fmt.Fprintf(w, "columns that are not imported (see -map), with the number of rows: %s\n", strings.Join(p.left, ", "))
	}
	fmt.Fprintf(w, "%d requests, at %d per %s: %s\n", p.requests, n, window, report.Shortest(p.requests, n, window).Round(time.Second))
}

// settled counts what the journal says is settled of the users of this input,
// and the requests that make the others.
func (o *options) settled(in *rows.Input, p *plan, j *journal.Journal) (before, requests int, err error) {
	requests = p.requests
	if j.Empty() {
		return 0, requests, nil
	}
	_, _, err = o.read(in, func(u *users.User) error {
		switch j.Word(u.Key).Op {
		case journal.Done, journal.Rejected:
			before++
			requests -= u.Requests()
		}
		return nil
	}, func(int, string, string) error { return nil })
	return before, requests, err
}
