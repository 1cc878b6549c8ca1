package main

import (
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/report"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/rows"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
)

// An input is a file in memory. Its users are made anew each time that they are
// gone through, since they would take many times the room of the file.
type input struct {
	o       *options
	data    []byte
	checker *users.Checker // of the last time
}

// users returns the users of the input. reject is called for each of the other rows.
func (in *input) users(reject func(line int, user, reason string)) iter.Seq2[*users.User, error] {
	return func(yield func(*users.User, error) bool) {
		var err error
		if in.checker, err = users.NewChecker(in.o.rows); err != nil {
			yield(nil, err)
			return
		}
		var columns []string
		if in.o.rows.From == users.Auto || in.o.rows.From == "firebase" {
			columns = users.FirebaseColumns
		}
		for row, err := range rows.Read(in.data, columns) {
			if err != nil {
				yield(nil, fmt.Errorf("%s:%w", in.o.name(), err))
				return
			}
			if row.Bad != "" {
				reject(row.Line, "", row.Bad)
			} else if u, wrong := in.checker.Check(row.Line, row.Fields); wrong != nil {
				reject(row.Line, wrong.User, wrong.Reason)
			} else if !yield(u, nil) {
				return
			}
		}
	}
}

// again returns the users of an input whose rejects are known.
func (in *input) again() iter.Seq2[*users.User, error] {
	return in.users(func(int, string, string) {})
}

// A plan says what there is to be done about an input.
type plan struct {
	users, requests    int
	banned, unverified int // users
	preview            string
}

// read reads the whole input, so that one that cannot be read is reported before
// anything is sent.
func (o *options) read(stdin io.Reader, rejects *report.Rejects) (*input, *plan, error) {
	var data []byte
	var err error
	if o.input == "-" {
		data, err = io.ReadAll(stdin)
	} else {
		data, err = os.ReadFile(o.input)
	}
	if err != nil {
		return nil, nil, err
	}
	in, p := &input{o: o, data: data}, &plan{}
	for u, err := range in.users(rejects.Add) {
		if err != nil {
			return nil, nil, err
		}
		if p.users++; p.users == 1 {
			p.preview = u.Preview()
		}
		p.requests += u.Requests()
		if u.Ban {
			p.banned++
		}
		if len(u.Unverified) > 0 {
			p.unverified++
		}
	}
	if p.users == 0 && rejects.Count() == 0 {
		return nil, nil, fmt.Errorf("%s: no users in it", o.name())
	}
	return in, p, nil
}

// print says what is going to be done, and what is not.
func (p *plan) print(w io.Writer, in *input, bad int) {
	o, form := in.o, ""
	switch source := in.checker.Source(); source {
	case "": // no row could be read
	case users.Other:
		form = ", in no known export format (see -from): read by the names of its columns"
	default:
		form = ", in the form of " + source
	}
	fmt.Fprintf(w, "%s: %d users, %d invalid rows%s\n", o.name(), p.users, bad, form)
	if p.unverified > 0 {
		fmt.Fprintf(w, "%d users have addresses that are not verified: added as such (see -unverified, and -assume-verified if the file does not say)\n", p.unverified)
	}
	if p.banned > 0 {
		fmt.Fprintf(w, "%d users are banned at their source, and will be banned at Clerk\n", p.banned)
	}
	if left := in.checker.LeftOut(); len(left) > 0 {
		fmt.Fprintf(w, "columns that are not imported (see -map), with the number of rows that use them: %s\n", strings.Join(left, ", "))
	}
	limit := o.send.Allowance()
	fmt.Fprintf(w, "%d requests, at %d per %s: %s\n", p.requests, limit.N, limit.Window, report.Shortest(p.requests, limit).Round(time.Second))
}
