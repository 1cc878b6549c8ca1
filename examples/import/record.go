package main

import (
	"errors"
	"fmt"
)

const (
	// maxRow is the largest row that is taken for a user: Clerk's metadata alone
	// is limited to 8 KiB. A longer one is rejected, and the file goes on.
	maxRow = 1 << 20
	// maxRead is where reading on would no longer be sensible: a CSV quote that
	// is never closed makes one field of the rest of the file.
	maxRead = 64 << 20
)

// A record is one row of the input, with its fields as they stand there: strings
// in CSV; in JSON whatever the value is, numbers as json.Number.
type record struct {
	line   int // where it begins, from 1
	fields map[string]any
}

// A rowError is about one row only: the rows after it can be read.
type rowError struct {
	line   int
	reason string
}

func (e *rowError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.reason) }

// A fileError means that the file cannot be read on from here.
type fileError struct {
	path string
	line int
	err  error
}

func (e *fileError) Error() string { return fmt.Sprintf("%s:%d: %v", e.path, e.line, e.err) }
func (e *fileError) Unwrap() error { return e.err }

// A reader gives one record after the other. The error is io.EOF at the end, a
// *rowError for a row that is no record, and anything else ends the reading.
type reader interface {
	next() (record, error)
	line() int // where the reading is, for errors
}

var errRowTooLong = fmt.Errorf("a row is longer than %d MiB: is a quote or a bracket never closed?", maxRead>>20)

var errNotUTF8 = errors.New("is not UTF-8: is the file Latin-1 or Windows-1252? Convert it with: iconv -f WINDOWS-1252 -t UTF-8")
