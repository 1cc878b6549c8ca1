package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// csvReader reads CSV with a header, or Firebase's, which has none.
type csvReader struct {
	csv    *csv.Reader
	lines  *lineCounter
	header []string
	first  []string // the first row, where it was no header
	at     int
}

// firebaseColumns is what `firebase auth:export users.csv` writes, without a
// header (https://firebase.google.com/docs/cli/auth#file_format).
var firebaseColumns = strings.Split("localId,email,emailVerified,passwordHash,passwordSalt,displayName,photoUrl,"+
	"googleId,googleEmail,googleDisplayName,googlePhotoUrl,facebookId,facebookEmail,facebookDisplayName,facebookPhotoUrl,"+
	"twitterId,twitterEmail,twitterDisplayName,twitterPhotoUrl,githubId,githubEmail,githubDisplayName,githubPhotoUrl,"+
	"createdAt,lastSignedInAt,phoneNumber,disabled,customAttributes,providerUserInfo", ",")

func newCSVReader(r io.Reader, from string) (*csvReader, error) {
	lines := &lineCounter{source: r}
	c := &csvReader{csv: csv.NewReader(lines), lines: lines, at: 1}
	c.csv.FieldsPerRecord = -1 // counted below, to tell why
	header, err := c.csv.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty")
	case err != nil:
		return nil, c.broken(err)
	case !utf8.ValidString(strings.Join(header, "")):
		return nil, fmt.Errorf("the header %w", errNotUTF8)
	}
	// Firebase's first row holds a user: an id, an address, and true or false.
	if n := len(header); n >= 26 && n <= len(firebaseColumns) && (header[2] == "true" || header[2] == "false") && (from == auto || from == "firebase") {
		c.header, c.first = firebaseColumns[:n], header
		return c, nil
	}
	seen := make(map[string]bool, len(header))
	for i, name := range header {
		name = strings.TrimSpace(name)
		if seen[name] && name != "" {
			return nil, fmt.Errorf("the header has the column %q twice", name)
		}
		header[i], seen[name] = name, true
	}
	c.header = header
	return c, nil
}

func (c *csvReader) line() int { return c.at }

func (c *csvReader) next() (record, error) {
	row, start := c.first, c.csv.InputOffset()
	c.first = nil
	if row == nil {
		var err error
		c.lines.startRow(start)
		c.lines.at(start)
		if row, err = c.csv.Read(); err != nil {
			return record{}, c.broken(err)
		}
	}
	c.at, _ = c.csv.FieldPos(0)
	lastLine, _ := c.csv.FieldPos(len(row) - 1)
	switch size := c.csv.InputOffset() - start; {
	case size > maxRow:
		return record{}, &rowError{c.at, fmt.Sprintf("the row has %d bytes, more than the %d that a user may have", size, maxRow)}
	case len(row) != len(c.header) && lastLine != c.at:
		// Most likely a quote opened by mistake swallowed the rows between.
		return record{}, fmt.Errorf("the row from here to line %d has %d fields where the header has %d: is a quote not closed?", lastLine, len(row), len(c.header))
	case len(row) != len(c.header):
		return record{}, &rowError{c.at, fmt.Sprintf("the row has %d fields where the header has %d", len(row), len(c.header))}
	}
	fields := make(map[string]any, len(row))
	for i, value := range row {
		if !utf8.ValidString(value) {
			return record{}, &rowError{c.at, fmt.Sprintf("column %q %v", c.header[i], errNotUTF8)}
		}
		if value != "" {
			fields[c.header[i]] = value
		}
	}
	return record{line: c.at, fields: fields}, nil
}

// broken says where CSV is broken. A row that is not quoted right leaves in
// doubt where the next one begins, so it ends the reading.
func (c *csvReader) broken(err error) error {
	parse := (*csv.ParseError)(nil)
	if !errors.As(err, &parse) {
		c.at = c.lines.at(c.lines.row)
		return err
	}
	c.at = parse.StartLine
	if parse.Line != parse.StartLine {
		return fmt.Errorf("a quote that opens here is not closed right (as far as line %d, column %d): %w", parse.Line, parse.Column, parse.Err)
	}
	return fmt.Errorf("column %d: %w", parse.Column, parse.Err)
}
