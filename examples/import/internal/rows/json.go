package rows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"unicode/utf8"
)

// jsonReader reads an array of objects, Firebase's object with the array in it, or
// one object after the other, as in JSON Lines.
type jsonReader struct {
	decoder *json.Decoder
	text    *text
	array   bool
}

// arrays are the ways in which an array of users begins.
var arrays = regexp.MustCompile(`^\s*(?:\{\s*"users"\s*:\s*)?\[`)

func newJSONReader(t *text, head []byte) (*jsonReader, error) {
	j := &jsonReader{decoder: json.NewDecoder(t), text: t, array: arrays.Match(head)}
	for token := json.Token(nil); j.array && token != json.Delim('['); {
		var err error
		if token, err = j.decoder.Token(); err != nil {
			return nil, j.broken(err)
		}
	}
	return j, nil
}

func (j *jsonReader) Skipped() int { return 0 }

func (j *jsonReader) Next() (Row, error) {
	j.text.begin(j.decoder.InputOffset())
	if j.array && !j.decoder.More() {
		if _, err := j.decoder.Token(); err != nil { // the closing bracket
			return Row{}, j.broken(err)
		}
		return Row{}, io.EOF
	}
	var raw json.RawMessage
	if err := j.decoder.Decode(&raw); err != nil {
		if !j.array && errors.Is(err, io.EOF) {
			return Row{}, io.EOF
		}
		return Row{}, j.broken(err)
	}
	return object(j.text.lineAt(j.text.start+j.decoder.InputOffset()-int64(len(raw))), raw)
}

// broken says where JSON is broken. There is no telling where the next row
// begins, so it ends the reading.
func (j *jsonReader) broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		j.text.lineAt(j.text.in.size)
		return j.text.broken(errors.New("the file ends in the middle"))
	}
	// The offset in the error does not count what was read token by token. So the
	// value is read once more, alone.
	at := j.text.start + j.decoder.InputOffset()
	var value json.RawMessage
	syntax := (*json.SyntaxError)(nil)
	if errors.As(json.NewDecoder(io.NewSectionReader(j.text.in.data, at, j.text.in.size-at)).Decode(&value), &syntax) {
		at += max(0, syntax.Offset-1)
	}
	j.text.lineAt(at)
	return j.text.broken(err)
}

// object reads one object.
func object(line int, raw []byte) (Row, error) {
	switch {
	case len(raw) > maxRow:
		return Row{}, &RowError{line, fmt.Sprintf("the row has %d bytes, more than the %d that a user may have", len(raw), maxRow)}
	case !utf8.Valid(raw): // encoding/json would replace what it cannot read
		return Row{}, &RowError{line, "the row " + errNotUTF8.Error()}
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		return Row{}, &RowError{line, fmt.Sprintf("not a JSON object: %v", err)}
	}
	return Row{Line: line, Fields: fields}, nil
}
