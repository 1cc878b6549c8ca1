package rows

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// readCSV reads CSV with a header, or Firebase's, which has none. Lines above the
// header that begin with # are comments.
func readCSV(data []byte, columns []string, yield func(Row) bool) error {
	above := 0
	for ; bytes.HasPrefix(data, []byte("#")); above++ {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1 // counted below, to tell why
	r.Comma = separator(data)
	header, err := r.Read()
	switch {
	case errors.Is(err, io.EOF):
		return &FileError{max(1, above), errors.New("the file is empty")}
	case err != nil:
		return broken(err, above)
	}
	// The last columns of a file without a header may be missing.
	if n := len(header); n > 3 && n >= len(columns)-3 && n <= len(columns) && (header[2] == "true" || header[2] == "false") {
		header = columns[:n]
		r = csv.NewReader(bytes.NewReader(data)) // from the first row again
		r.FieldsPerRecord = -1
	} else if err := checkHeader(header); err != nil {
		return &FileError{above + 1, err}
	}
	for {
		start := r.InputOffset()
		fields, err := r.Read()
		text, line, lastLine := data[start:r.InputOffset()], 0, 0
		if parse := (*csv.ParseError)(nil); err == nil {
			line, _ = r.FieldPos(0)
			lastLine, _ = r.FieldPos(len(fields) - 1)
		} else if fields = nil; errors.As(err, &parse) && errors.Is(err, csv.ErrBareQuote) {
			line, lastLine, fields = parse.StartLine, parse.Line, unquoted(text, r.Comma)
		}
		row := Row{Line: line + above, Fields: make(map[string]any, len(fields)), Bad: bad(text)}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && fields == nil:
			return broken(err, above)
		case row.Bad != "":
		case len(fields) == len(header):
			for i, value := range fields {
				row.Fields[header[i]] = value
			}
		case line != lastLine: // most likely a quote opened by mistake swallowed the rows between
			return &FileError{row.Line, fmt.Errorf("the row from here to line %d has %d fields where the header has %d: is a quote not closed?", lastLine+above, len(fields), len(header))}
		default:
			row.Bad = fmt.Sprintf("the row has %d fields where the header has %d", len(fields), len(header))
			if strings.HasPrefix(fields[0], "#") {
				row.Bad += " (comments stand above the header)"
			}
		}
		if !yield(row) {
			return nil
		}
	}
}

func checkHeader(header []string) error {
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
		switch {
		case !utf8.ValidString(name):
			return fmt.Errorf("the header %w", errNotUTF8)
		case header[i] != "" && slices.Contains(header[:i], header[i]):
			return fmt.Errorf("the header has the column %q twice", header[i])
		}
	}
	return nil
}

// separator is the one of the usual four of which the first line has the most,
// outside of quotes.
func separator(data []byte) rune {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	counts := map[rune]int{}
	for i, part := range strings.Split(string(line), `"`) {
		for _, r := range part {
			if i%2 == 0 {
				counts[r]++
			}
		}
	}
	best := ','
	for _, r := range ";\t|" {
		if counts[r] > counts[best] {
			best = r
		}
	}
	return best
}

// unquoted takes a quote inside of a field for what it is, as most programs do,
// where no field of the line is quoted: there is only one way to read it then.
func unquoted(text []byte, comma rune) []string {
	line := strings.Trim(string(text), "\r\n")
	fields := strings.Split(line, string(comma))
	if strings.Contains(line, "\n") || slices.ContainsFunc(fields, func(f string) bool { return strings.HasPrefix(strings.TrimSpace(f), `"`) }) {
		return nil
	}
	return fields
}

// broken says where CSV is broken: a row that is not quoted right leaves in doubt
// where the next one begins.
func broken(err error, above int) error {
	parse := (*csv.ParseError)(nil)
	switch {
	case !errors.As(err, &parse):
		return &FileError{above + 1, err}
	case parse.Line != parse.StartLine:
		return &FileError{parse.StartLine + above, fmt.Errorf("a quote that opens here is not closed right (as far as line %d, column %d): %w", parse.Line+above, parse.Column, parse.Err)}
	}
	return &FileError{parse.StartLine + above, fmt.Errorf("column %d: %w", parse.Column, parse.Err)}
}
