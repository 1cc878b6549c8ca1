// Package report tells people how an import goes: a line that moves, and a file
// of the rows that were not imported.
package report

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
)

// Rejects writes the rows that were not imported, or not all of them, to a CSV
// file, with line, user and reason. Every run begins it anew: what Clerk refused
// in earlier runs stands in the journal, and what is wrong with rows is found
// again. It is safe for concurrent use.
type Rejects struct {
	path string

	mu    sync.Mutex
	file  *os.File // made with the first reject, so that no news is no file
	csv   *csv.Writer
	count int
	first []string // the first few, to show
}

const showRejects = 5

const header = "line,user,reason\n"

// ErrForeign is the error for a file that is not ours to write.
var ErrForeign = errors.New("this file exists and is no list of rejects; it was left as it is")

// Begin removes what an earlier run left at the path, and nothing else that may
// be there. An empty path is no file: the rejects are only counted and shown.
func Begin(path string) (*Rejects, error) {
	r := &Rejects{path: path}
	ours, err := recognise(path)
	if err == nil && ours {
		err = os.Remove(path)
	}
	if err != nil {
		return nil, fmt.Errorf("rejects %s: %w", path, err)
	}
	return r, nil
}

// recognise reports whether there is a file that an earlier run wrote. There may
// be none, but no other.
func recognise(path string) (bool, error) {
	if path == "" {
		return false, nil
	}
	switch info, err := os.Stat(path); {
	case os.IsNotExist(err):
		return false, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, ErrForeign
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, len(header))
	n, err := io.ReadFull(f, head)
	if n > 0 && string(head) != header || n == 0 && !errors.Is(err, io.EOF) { // an empty one was left by a kill
		return false, ErrForeign
	}
	return true, nil
}

// Add adds a row.
func (r *Rejects) Add(line int, user, reason string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if len(r.first) < showRejects {
		r.first = append(r.first, fmt.Sprintf("line %d: %s", line, reason))
	}
	if r.path == "" {
		return nil
	}
	if r.file == nil {
		f, err := os.OpenFile(r.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		r.file, r.csv = f, csv.NewWriter(f)
		if _, err := f.WriteString(header); err != nil {
			return err
		}
	}
	if err := r.csv.Write([]string{strconv.Itoa(line), user, reason}); err != nil {
		return err
	}
	r.csv.Flush() // at once: there are few, and a kill must not lose them
	return r.csv.Error()
}

// Count is how many rows were added.
func (r *Rejects) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// Print shows the first of them.
func (r *Rejects) Print(w io.Writer) {
	if r.count == 0 {
		return
	}
	for _, line := range r.first {
		fmt.Fprintln(w, "  "+line)
	}
	if more := r.count - len(r.first); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
	if r.path != "" {
		fmt.Fprintf(w, "All of them, with their lines and reasons: %s\n", r.path)
	}
}

// Close closes the file, if there is one.
func (r *Rejects) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
