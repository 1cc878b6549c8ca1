package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// auto is the value of -format and -from that goes by what is in the file.
const auto = "auto"

// openInput opens the input file for reading, in a format that is given or
// found out.
func openInput(path, format, from string) (reader, io.Closer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	r, err := newReader(f, path, format, from)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return r, f, nil
}

func newReader(f io.Reader, path, format, from string) (reader, error) {
	b := bufio.NewReaderSize(f, 64<<10)
	head, err := b.Peek(b.Size())
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := checkEncoding(head); err != nil {
		return nil, &fileError{path, 1, err}
	}
	if bom := []byte("\ufeff"); bytes.HasPrefix(head, bom) {
		head = head[len(bom):]
		if _, err := b.Discard(len(bom)); err != nil {
			return nil, err
		}
	}
	if format == auto {
		format = formatOf(path, head)
	}
	var r reader
	switch format {
	case "csv":
		r, err = newCSVReader(b, from)
	case "json":
		r, err = newJSONReader(b)
	default:
		r, err = newJSONLReader(b), nil
	}
	if err != nil {
		return nil, &fileError{path, 1, err}
	}
	return r, nil
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

// formatOf goes by the first character, which tells JSON from CSV, and then by
// the name. Auth0 calls its one object a line .json.
func formatOf(path string, head []byte) string {
	head = bytes.TrimLeft(head, " \t\r\n")
	switch extension := strings.ToLower(filepath.Ext(path)); {
	case bytes.HasPrefix(head, []byte("[")):
		return "json"
	case !bytes.HasPrefix(head, []byte("{")):
		return "csv"
	case extension == ".jsonl", extension == ".ndjson":
		return "jsonl"
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	var object map[string]json.RawMessage
	if json.Unmarshal(line, &object) == nil {
		if users, ok := object["users"]; !ok || !bytes.HasPrefix(users, []byte("[")) {
			return "jsonl"
		}
	}
	return "json"
}
