// Package report tells people how an import goes: a line that moves, and a file
// of the rows that were not imported.
package report

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"sync"
)

// Rejects are the rows that were not imported, or not all of them. They are
// written to a CSV file at the end: if a run is killed, the next one finds what
// is wrong with rows again, and what Clerk refused stands in the journal. It is
// safe for concurrent use.
type Rejects struct {
	path string

	mu   sync.Mutex
	rows [][]string // line, user, reason
}

var header = []string{"line", "user", "reason"}

// ErrForeign is the error for a file that is not ours to write.
var ErrForeign = errors.New("this file exists and is no list of rejects; it was left as it is")

// Begin refuses a path at which there is anything but what an earlier run wrote.
// An empty path is no file: the rejects are only counted and shown.
func Begin(path string) (*Rejects, error) {
	if err := recognise(path); err != nil {
		return nil, fmt.Errorf("rejects %s: %w", path, err)
	}
	return &Rejects{path: path}, nil
}

func recognise(path string) error {
	info, err := os.Stat(path)
	switch {
	case path == "", errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return ErrForeign
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if first, err := csv.NewReader(f).Read(); !slices.Equal(first, header) && !errors.Is(err, io.EOF) { // an empty one was left by a kill
		return ErrForeign
	}
	return nil
}

// Add adds a row.
func (r *Rejects) Add(line int, user, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, []string{strconv.Itoa(line), user, reason})
}

// Count is how many rows were added.
func (r *Rejects) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.rows)
}

// Finish writes the file, or, where no news is no file, removes what an earlier
// run left, and shows the first few.
func (r *Rejects) Finish(w io.Writer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	const show = 5
	for _, row := range r.rows[:min(show, len(r.rows))] {
		fmt.Fprintf(w, "  line %s: %s\n", row[0], row[2])
	}
	if more := len(r.rows) - show; more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
	if r.path == "" {
		return nil
	}
	if err := recognise(r.path); err != nil {
		return fmt.Errorf("rejects %s: %w", r.path, err)
	}
	if len(r.rows) == 0 {
		if err := os.Remove(r.path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(csv.NewWriter(f).WriteAll(append([][]string{header}, r.rows...)), f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(w, "All of them, with their lines and reasons: %s\n", r.path)
	return nil
}
