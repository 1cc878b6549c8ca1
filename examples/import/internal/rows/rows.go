// Package rows reads the rows of a file: CSV with a header, a JSON array, or JSON
// Lines. It knows on which line each row stands, and nothing of users.
package rows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	// maxRow is the largest row that is taken for a user: Clerk's metadata alone
	// is limited to 8 KiB. A longer one is rejected, and the file goes on.
	maxRow = 1 << 20
	// maxRead is where reading on would no longer be sensible: a CSV quote that
	// is never closed makes one field of the rest of the file.
	maxRead = 64 << 20
	// headSize is how much of a file is looked at to tell what it is.
	headSize = 64 << 10
)

// A Row is one row, with its fields as they stand there: strings in CSV, the
// empty ones included; in JSON whatever the value is, numbers as [json.Number].
type Row struct {
	Line   int // where it begins, from 1
	Fields map[string]any
}

// A Reader gives one row after the other. The error is [io.EOF] at the end, a
// [*RowError] where one row cannot be read, and a [*FileError] where reading
// cannot go on.
type Reader interface {
	Next() (Row, error)
	// Skipped is how many comment lines were passed over so far.
	Skipped() int
}

// A RowError is about one row only: the rows after it can be read.
type RowError struct {
	Line   int
	Reason string
}

func (e *RowError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// A FileError means that the file cannot be read on from here.
type FileError struct {
	Name string
	Line int
	Err  error
}

func (e *FileError) Error() string { return fmt.Sprintf("%s:%d: %v", e.Name, e.Line, e.Err) }
func (e *FileError) Unwrap() error { return e.Err }

var (
	errRowTooLong = fmt.Errorf("a row is longer than %d MiB: is a quote or a bracket never closed?", maxRead>>20)
	errNotUTF8    = errors.New("is not UTF-8: is the file Latin-1 or Windows-1252? Convert it with: iconv -f WINDOWS-1252 -t UTF-8")
)

// Rows begins to read the input, from its first row: JSON, if it begins as JSON
// does, or else CSV. Where columns is not empty, a CSV file may lack the header:
// it is known by its first row, in which field 3 is true or false, and then has
// the columns named there.
func (in *Input) Rows(columns []string) (Reader, error) {
	head := make([]byte, headSize)
	n, err := in.data.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head = head[:n]
	if err := checkEncoding(head); err != nil {
		return nil, &FileError{in.Name, 1, err}
	}
	text := in.text(0)
	if bom := []byte("\ufeff"); bytes.HasPrefix(head, bom) {
		head = head[len(bom):]
		text.skip(int64(len(bom)))
	}
	if first := bytes.TrimLeft(head, " \t\r\n"); bytes.HasPrefix(first, []byte("[")) || bytes.HasPrefix(first, []byte("{")) {
		return newJSONReader(text, head)
	}
	return newCSVReader(text, head, columns)
}

// checkEncoding refuses what is plainly no UTF-8 text.
func checkEncoding(head []byte) error {
	switch {
	case len(head) == 0:
		return errors.New("the file is empty")
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return errors.New("the file is UTF-16: convert it with: iconv -f UTF-16 -t UTF-8")
	case bytes.IndexByte(head, 0) >= 0:
		return errors.New("the file holds NUL bytes: it is UTF-16 or no text at all; convert it with: iconv -f UTF-16LE -t UTF-8")
	}
	return nil
}
