// Package rows reads the rows of a file: CSV with a header, a JSON array, or JSON
// Lines. It knows on which line each row stands, and nothing of users.
package rows

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"unicode/utf8"
)

// maxRow is the largest row that is taken for a user: Clerk's metadata alone is
// limited to 8 KiB. A longer one is bad, and the file goes on.
const maxRow = 1 << 20

// A Row is one row, with its fields as they stand there: strings in CSV, the
// empty ones included; in JSON whatever the value is, numbers as [json.Number].
type Row struct {
	Line   int // where it begins, from 1
	Fields map[string]any
	Bad    string // why this row cannot be read, though those after it can
}

// A FileError means that the file cannot be read on from a line.
type FileError struct {
	Line int
	Err  error
}

func (e *FileError) Error() string { return fmt.Sprintf("%d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong there.
func (e *FileError) Unwrap() error { return e.Err }

// Read reads the rows of a file: of JSON, if it begins as JSON does, or else of
// CSV. Where columns is not empty, a CSV file may lack the header: it is known by
// its first row, in which field 3 is true or false, and then has the columns
// named there. A [*FileError] is the last that comes.
func Read(data []byte, columns []string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		bom := []byte("\ufeff")
		read := readCSV
		switch text := bytes.TrimLeft(bytes.TrimPrefix(data, bom), " \t\r\n"); {
		case len(data) == 0:
			yield(Row{}, &FileError{1, errors.New("the file is empty")})
			return
		case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}), bytes.IndexByte(data[:min(len(data), 1<<10)], 0) >= 0:
			yield(Row{}, &FileError{1, errors.New("the file is UTF-16, or no text at all: convert it with: iconv -f UTF-16 -t UTF-8")})
			return
		case bytes.HasPrefix(text, []byte("[")), bytes.HasPrefix(text, []byte("{")):
			read = readJSON
		}
		if err := read(bytes.TrimPrefix(data, bom), columns, func(r Row) bool { return yield(r, nil) }); err != nil {
			yield(Row{}, err)
		}
	}
}

var errNotUTF8 = errors.New("is not UTF-8: is the file Latin-1 or Windows-1252? Convert it with: iconv -f WINDOWS-1252 -t UTF-8")

// bad says what is wrong with the text of a row; "" if nothing is.
func bad(text []byte) string {
	switch {
	case len(text) > maxRow:
		return fmt.Sprintf("the row has %d bytes, more than the %d that a user may have", len(text), maxRow)
	case !utf8.Valid(text): // encoding/json would replace what it cannot read
		return "the row " + errNotUTF8.Error()
	}
	return ""
}
