package rows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// arrays are the ways in which an array of users begins, Firebase's among them.
var arrays = regexp.MustCompile(`^\s*(?:\{\s*"users"\s*:\s*)?\[`)

// readJSON reads an array of objects, or one object after the other, as in JSON
// Lines.
func readJSON(data []byte, _ []string, yield func(Row) bool) error {
	at := len(arrays.Find(data))
	array, line, counted := at > 0, 1, 0
	lineOf := func(offset int) int { // which does not go back
		line += bytes.Count(data[counted:offset], []byte("\n"))
		counted = offset
		return line
	}
	space := func() { at += len(data[at:]) - len(bytes.TrimLeft(data[at:], " \t\r\n")) }
	for first := true; ; first = false {
		space()
		end := at == len(data)
		switch {
		case end && !array, !end && array && data[at] == ']':
			return nil
		case end || !array || first:
		case data[at] == ',':
			at++
			space()
		default:
			return &FileError{lineOf(at), fmt.Errorf("invalid character %q after a row", data[at])}
		}
		row := Row{Line: lineOf(at)}
		decoder := json.NewDecoder(bytes.NewReader(data[at:]))
		decoder.UseNumber()
		err := decoder.Decode(&row.Fields)
		text := data[at : at+int(decoder.InputOffset())]
		syntax, kind := (*json.SyntaxError)(nil), (*json.UnmarshalTypeError)(nil)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return &FileError{lineOf(len(data)), errors.New("the file ends in the middle")}
		case errors.As(err, &syntax): // there is no telling where the next row begins
			return &FileError{lineOf(at + int(syntax.Offset) - 1), err}
		case errors.As(err, &kind):
			row.Bad = "not a JSON object: " + err.Error()
		case err != nil:
			return &FileError{row.Line, err}
		default:
			row.Bad = bad(text)
		}
		at += len(text)
		if !yield(row) {
			return nil
		}
	}
}
