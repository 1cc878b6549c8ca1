package main

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// Whatever a file holds, reading it ends, goes forward line by line, and every
// row becomes a user or a reason.
func FuzzInput(f *testing.F) {
	for _, seed := range []string{
		usersCSV(2), csvHeader + "u1,\"a\nb\"\n", "[{\"external_id\":1},2,{}]", "{\"users\":[{\"localId\":\"x\"}]}",
		"{\"user_id\":\"auth0|1\"}\n\n{\"user_id\":", "\ufeffid,email\n1,a@example.com\n", "a,a\n", "\"", "[", "{}", "[[[[",
	} {
		for _, format := range []string{auto, "csv", "json", "jsonl"} {
			f.Add(seed, format)
		}
	}
	f.Fuzz(func(t *testing.T, content, format string) {
		if format != auto && format != "csv" && format != "json" && format != "jsonl" {
			return
		}
		check, err := newChecker(&options{from: auto, unverified: "trust"})
		if err != nil {
			t.Fatal(err)
		}
		r, err := newReader(strings.NewReader(content), "f", format, auto)
		if err != nil {
			return
		}
		last, lines := 0, strings.Count(content, "\n")+1
		for n := 0; ; n++ {
			if n > len(content)+1 {
				t.Fatal("it does not end")
			}
			record, err := r.next()
			line := record.line
			if err == nil {
				var u row
				if u, err = check.check(record); err == nil && (u.key == "" || u.params() == nil) {
					t.Fatalf("a user without a key on line %d", u.line)
				}
			}
			wrong := (*rowError)(nil)
			switch {
			case errors.As(err, &wrong):
				if line = wrong.line; wrong.reason == "" {
					t.Fatal("no reason")
				}
			case err != nil:
				if line = r.line(); !errors.Is(err, io.EOF) && (line < 1 || line > lines) {
					t.Fatalf("line %d of %d: %v", line, lines, err)
				}
				return
			}
			if line < last || line < 1 || line > lines {
				t.Fatalf("line %d after line %d, of %d", line, last, lines)
			}
			last = line
		}
	})
}
