package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"sync"
)

// rejects writes the rows that were not imported, with line and reason, to a CSV
// file. Every run begins it anew: what Clerk refused in earlier runs stands in
// the journal, and what is wrong with rows is found again. It is safe for
// concurrent use.
type rejects struct {
	path string

	mu    sync.Mutex
	file  *os.File // made with the first reject, so that no news is no file
	csv   *csv.Writer
	count int
	first []string // the first few, to show
}

const showRejects = 5

// newRejects removes what an earlier run left at the path.
func newRejects(path string) (*rejects, error) {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return &rejects{path: path}, nil
}

func (r *rejects) add(line int, key, reason string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if len(r.first) < showRejects {
		r.first = append(r.first, fmt.Sprintf("line %d: %s", line, reason))
	}
	if r.file == nil {
		f, err := os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		r.file, r.csv = f, csv.NewWriter(f)
		if err := r.csv.Write([]string{"line", "user", "reason"}); err != nil {
			return err
		}
	}
	if err := r.csv.Write([]string{strconv.Itoa(line), key, reason}); err != nil {
		return err
	}
	r.csv.Flush() // at once: there are few, and a kill must not lose them
	return r.csv.Error()
}

// Close closes the file, if there is one.
func (r *rejects) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
