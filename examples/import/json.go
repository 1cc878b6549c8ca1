package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// jsonReader reads an array of objects, or Firebase's {"users": [...]}, one
// object at a time.
type jsonReader struct {
	decoder *json.Decoder
	lines   *lineCounter
	at      int
}

func newJSONReader(r io.Reader) (*jsonReader, error) {
	lines := &lineCounter{source: r}
	j := &jsonReader{decoder: json.NewDecoder(lines), lines: lines, at: 1}
	j.decoder.UseNumber()
	for {
		token, err := j.decoder.Token()
		j.at = j.lines.at(j.decoder.InputOffset())
		switch {
		case errors.Is(err, io.EOF):
			return nil, errors.New("no array of users was found")
		case err != nil:
			return nil, err
		case token == json.Delim('['):
			return j, nil
		case token == json.Delim('{'):
			if err := j.enter("users"); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("want an array of users, found %v", token)
		}
	}
}

// enter goes to the value of a member of an object.
func (j *jsonReader) enter(name string) error {
	for j.decoder.More() {
		key, err := j.decoder.Token()
		if err != nil || key == name {
			return err
		}
		var other json.RawMessage
		if err := j.decoder.Decode(&other); err != nil {
			return err
		}
	}
	return fmt.Errorf("want an array of users or an object with a member %q", name)
}

func (j *jsonReader) line() int { return j.at }

func (j *jsonReader) next() (record, error) {
	start := j.decoder.InputOffset()
	j.lines.startRow(start)
	if !j.decoder.More() {
		if _, err := j.decoder.Token(); err != nil { // the closing bracket
			return record{}, j.broken(err)
		}
		return record{}, io.EOF
	}
	var raw json.RawMessage
	if err := j.decoder.Decode(&raw); err != nil {
		return record{}, j.broken(err)
	}
	end := j.decoder.InputOffset()
	j.at = j.lines.at(end - int64(len(raw)) + 1)
	return newJSONRecord(j.at, raw)
}

// broken says where JSON is broken. There is no telling where the next row
// begins, so it ends the reading.
func (j *jsonReader) broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		j.at = j.lines.at(j.lines.read)
		return errors.New("the file ends in the middle of the array")
	}
	// The offset in the error does not count what was read token by token. So the
	// value is read once more, alone, from what the decoder has of it.
	var value json.RawMessage
	syntax, at := (*json.SyntaxError)(nil), j.decoder.InputOffset()
	if errors.As(json.NewDecoder(j.decoder.Buffered()).Decode(&value), &syntax) {
		at += syntax.Offset
	}
	j.at = j.lines.at(at)
	return err
}

// newJSONRecord reads one object.
func newJSONRecord(line int, raw []byte) (record, error) {
	switch {
	case len(raw) > maxRow:
		return record{}, &rowError{line, fmt.Sprintf("the row has %d bytes, more than the %d that a user may have", len(raw), maxRow)}
	case !utf8.Valid(raw): // encoding/json would replace what it cannot read
		return record{}, &rowError{line, "the row " + errNotUTF8.Error()}
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		return record{}, &rowError{line, fmt.Sprintf("not a JSON object: %v", err)}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return record{}, &rowError{line, "more than one JSON object on the line"}
	}
	return record{line: line, fields: fields}, nil
}

// jsonlReader reads one object a line, as Auth0 exports them.
type jsonlReader struct {
	r  *bufio.Reader
	at int
}

func newJSONLReader(r io.Reader) *jsonlReader {
	return &jsonlReader{r: bufio.NewReaderSize(r, 64<<10)}
}

func (j *jsonlReader) line() int { return j.at }

func (j *jsonlReader) next() (record, error) {
	for {
		text, size, err := j.readLine()
		if err != nil {
			return record{}, err
		}
		if size > len(text) {
			return record{}, &rowError{j.at, fmt.Sprintf("the row has %d bytes, more than the %d that a user may have", size, maxRow)}
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			return newJSONRecord(j.at, text)
		}
	}
}

// readLine returns the next line and its length. Of a line longer than maxRow
// only the beginning is kept.
func (j *jsonlReader) readLine() (text []byte, size int, err error) {
	j.at++
	for {
		part, err := j.r.ReadSlice('\n')
		size += len(part)
		if len(text) <= maxRow {
			text = append(text, part[:min(len(part), maxRow+1-len(text))]...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && size > 0:
			return text, size, nil
		default:
			return text, size, err
		}
	}
}
