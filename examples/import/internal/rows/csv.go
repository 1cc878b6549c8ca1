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

// csvReader reads CSV with a header, or Firebase's, which has none. Lines that
// begin with # are comments before the header; after it, where they have not
// the fields of a row.
type csvReader struct {
	csv     *csv.Reader
	text    *text
	above   int // lines above the header
	header  []string
	first   []string // the first row, where it was no header
	skipped int
}

func newCSVReader(t *text, head []byte, columns []string) (*csvReader, error) {
	c := &csvReader{text: t}
	for bytes.HasPrefix(head, []byte("#")) {
		line, rest, _ := bytes.Cut(head, []byte("\n"))
		t.skip(int64(len(head) - len(rest)))
		head = rest
		c.above++
		c.skipped++
		if len(rest) == 0 && len(line) == 0 {
			break
		}
	}
	c.csv = csv.NewReader(t)
	c.csv.FieldsPerRecord = -1 // counted below, to tell why
	c.csv.Comma = separator(head)
	header, err := c.csv.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, t.broken(errors.New("the file is empty"))
	case err != nil:
		return nil, c.broken(err)
	case !utf8.ValidString(strings.Join(header, "")):
		return nil, t.broken(fmt.Errorf("the header %w", errNotUTF8))
	}
	// The last columns of a file without a header may be missing.
	if n := len(header); n > 3 && n >= len(columns)-3 && n <= len(columns) && (header[2] == "true" || header[2] == "false") {
		c.header, c.first = columns[:n], header
		return c, nil
	}
	seen := make(map[string]bool, len(header))
	for i, name := range header {
		name = strings.TrimSpace(name)
		if seen[name] && name != "" {
			return nil, t.broken(fmt.Errorf("the header has the column %q twice", name))
		}
		header[i], seen[name] = name, true
	}
	c.header = header
	return c, nil
}

// separator is the one of the usual four of which the first line has the most,
// outside of quotes.
func separator(head []byte) rune {
	counts, quoted := map[rune]int{}, false
	for _, r := range string(head) {
		if r == '"' {
			quoted = !quoted
		}
		if !quoted && (r == '\n' || r == '\r') {
			break
		}
		if !quoted {
			counts[r]++
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

func (c *csvReader) Skipped() int { return c.skipped }

func (c *csvReader) Next() (Row, error) {
	row, start := c.first, c.csv.InputOffset()
	c.first = nil
	if row == nil {
		var err error
		c.text.begin(start)
		if row, err = c.csv.Read(); err != nil {
			return c.bare(start, err)
		}
	}
	line, _ := c.csv.FieldPos(0)
	lastLine, _ := c.csv.FieldPos(len(row) - 1)
	return c.row(row, start, line+c.above, lastLine+c.above)
}

// bare takes a quote inside of an unquoted field for what it is, as most programs
// do, where no field of the line is quoted: there is only one way to read it then.
func (c *csvReader) bare(start int64, err error) (Row, error) {
	parse := (*csv.ParseError)(nil)
	if !errors.As(err, &parse) || !errors.Is(parse.Err, csv.ErrBareQuote) || parse.Line != parse.StartLine {
		return Row{}, c.broken(err)
	}
	line := make([]byte, c.csv.InputOffset()-start)
	if _, err := c.text.in.data.ReadAt(line, c.text.start+start); err != nil && !errors.Is(err, io.EOF) {
		return Row{}, c.broken(err)
	}
	row := strings.Split(strings.Trim(string(line), "\r\n"), string(c.csv.Comma))
	if slices.ContainsFunc(row, func(field string) bool { return strings.HasPrefix(strings.TrimSpace(field), `"`) }) {
		return Row{}, c.broken(err)
	}
	return c.row(row, start, parse.Line+c.above, parse.Line+c.above)
}

// row makes a row of the fields that begin at an offset and stand on some lines.
func (c *csvReader) row(row []string, start int64, line, lastLine int) (Row, error) {
	c.text.last = line
	switch size := c.csv.InputOffset() - start; {
	case size > maxRow:
		return Row{}, &RowError{line, fmt.Sprintf("the row has %d bytes, more than the %d that a user may have", size, maxRow)}
	case len(row) != len(c.header) && lastLine != line:
		// Most likely a quote opened by mistake swallowed the rows between.
		return Row{}, c.text.broken(fmt.Errorf("the row from here to line %d has %d fields where the header has %d: is a quote not closed?", lastLine, len(row), len(c.header)))
	case len(row) != len(c.header) && strings.HasPrefix(row[0], "#"):
		c.skipped++
		return c.Next()
	case len(row) != len(c.header):
		return Row{}, &RowError{line, fmt.Sprintf("the row has %d fields where the header has %d", len(row), len(c.header))}
	}
	fields := make(map[string]any, len(row))
	for i, value := range row {
		if !utf8.ValidString(value) {
			return Row{}, &RowError{line, fmt.Sprintf("column %q %v", c.header[i], errNotUTF8)}
		}
		fields[c.header[i]] = value
	}
	return Row{Line: line, Fields: fields}, nil
}

// broken says where CSV is broken. A row that is not quoted right leaves in
// doubt where the next one begins, so it ends the reading.
func (c *csvReader) broken(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	parse := (*csv.ParseError)(nil)
	if !errors.As(err, &parse) {
		c.text.lineAt(c.text.row)
		return c.text.broken(err)
	}
	c.text.last = parse.StartLine + c.above
	if parse.Line != parse.StartLine {
		return c.text.broken(fmt.Errorf("a quote that opens here is not closed right (as far as line %d, column %d): %w", parse.Line+c.above, parse.Column, parse.Err))
	}
	return c.text.broken(fmt.Errorf("column %d: %w", parse.Column, parse.Err))
}
