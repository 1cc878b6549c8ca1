package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/report"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/rows"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
)

// A plan is what the input holds. It is read as a whole, so that a file that
// cannot be read is told before anything is sent.
type plan struct {
	users   []*users.User
	checker *users.Checker
}

// read reads the input: users for the plan, and the other rows for the rejects.
func (o *options) read(ctx context.Context, stdin io.Reader, rejects *report.Rejects) (*plan, error) {
	data, err := rows.Load(ctx, o.input, stdin)
	if err != nil {
		return nil, err
	}
	p := &plan{}
	if p.checker, err = users.NewChecker(o.rows); err != nil {
		return nil, err
	}
	var columns []string
	if o.rows.From == users.Auto || o.rows.From == "firebase" {
		columns = users.FirebaseColumns
	}
	for row, err := range rows.Read(data, columns) {
		if err != nil {
			return nil, fmt.Errorf("%s:%w", o.name(), err)
		}
		if row.Bad != "" {
			rejects.Add(row.Line, "", row.Bad)
		} else if u, wrong := p.checker.Check(row.Line, row.Fields); wrong != nil {
			rejects.Add(row.Line, wrong.User, wrong.Reason)
		} else {
			p.users = append(p.users, u)
		}
	}
	if len(p.users) == 0 && rejects.Count() == 0 {
		return nil, fmt.Errorf("%s: %w", o.name(), errors.New("no users in it"))
	}
	return p, nil
}

func requests(list []*users.User) (n int) {
	for _, u := range list {
		n += u.Requests()
	}
	return n
}

// print says what is going to be done, and what is not.
func (p *plan) print(w io.Writer, o *options, bad int) {
	form, banned, unverified := "", 0, 0
	for _, u := range p.users {
		if u.Ban {
			banned++
		}
		if len(u.Unverified) > 0 {
			unverified++
		}
	}
	switch source := p.checker.Source(); source {
	case "": // no row could be read
	case users.Other:
		form = ", of no export that is known here (see -from), read by the names of its columns"
	default:
		form = ", in the form of " + source
	}
	fmt.Fprintf(w, "%s: %d users, %d invalid rows%s\n", o.name(), len(p.users), bad, form)
	if unverified > 0 {
		fmt.Fprintf(w, "%d users have addresses that are not verified: added as such (see -unverified; -assume-verified where the file has no word on it)\n", unverified)
	}
	if banned > 0 {
		fmt.Fprintf(w, "%d users are banned where they come from, and will be at Clerk\n", banned)
	}
	if left := p.checker.LeftOut(); len(left) > 0 {
		fmt.Fprintf(w, "columns that are not imported (see -map), with the number of rows: %s\n", strings.Join(left, ", "))
	}
	n, window := o.send.Allowance()
	sent := requests(p.users)
	fmt.Fprintf(w, "%d requests, at %d per %s: %s\n", sent, n, window, report.Shortest(sent, n, window).Round(time.Second))
}
