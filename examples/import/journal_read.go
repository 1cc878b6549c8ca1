package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const journalVersion = 1

// read takes in what earlier runs have written. It returns the offset behind
// the last whole line.
func (j *journal) read(f *os.File, instance string) (end int64, err error) {
	r := bufio.NewReaderSize(f, 64<<10)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			return end, nil // what is left is the beginning of a line
		case err != nil:
			return end, err
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			if rest, _ := r.Peek(1); len(rest) == 0 && bytes.IndexByte(line, 0) >= 0 {
				return end, nil // a power cut may leave a block of zeros behind
			}
			return end, fmt.Errorf("line %d is damaged (%w): restore it from a backup, or begin anew with another -journal; users that exist will then be reported as conflicts", n, err)
		}
		if err := j.take(n, e, instance); err != nil {
			return end, err
		}
		end += int64(len(line))
	}
}

func (j *journal) take(n int, e entry, instance string) error {
	if n == 1 {
		switch {
		case e.Version == 0:
			return errors.New("this file is no journal of an import")
		case e.Version != journalVersion:
			return fmt.Errorf("it has version %d, this program reads version %d", e.Version, journalVersion)
		case e.Instance != instance:
			return errors.New("it belongs to another secret key, hence to another instance: give this import another -journal")
		}
		return nil
	}
	switch e.Op {
	case sent:
		j.noteSend(e.Time)
	case asked:
		j.noteSend(e.Time)
		return nil
	case done, rejected:
	default:
		return fmt.Errorf("line %d: unknown entry %q", n, e.Op)
	}
	j.users[e.Key] = word{e.Op, e.Reason}
	return nil
}

// maxSends is how many sends of earlier runs are remembered, more than Clerk
// allows anyone in a window.
const maxSends = 10_000

func (j *journal) noteSend(at time.Time) {
	j.sends = append(j.sends, at)
	if n := len(j.sends) - maxSends; n >= maxSends {
		j.sends = j.sends[:copy(j.sends, j.sends[n:])]
	}
}
