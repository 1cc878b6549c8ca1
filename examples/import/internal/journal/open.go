package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const version = 1

// headed is how every journal begins.
var headed = []byte(fmt.Sprintf(`{"version":%d,"instance":"`, version))

var errForeign = errors.New("this file exists and is no journal of an import; it was left as it is")

// Open opens the journal of an import, or begins one. It belongs to one instance
// and to one process at a time. A file that is no journal is not opened for
// writing.
func Open(path, instance string) (j *Journal, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("journal %s: %w", path, err)
		}
	}()
	if err := recognise(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	j = begin(f)
	if err = lock(f); err != nil {
		err = fmt.Errorf("another import is using it: %w", err)
	} else {
		err = j.load(f, instance)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// recognise reports whether there is no such file, or one that is a journal, or
// the beginning of one.
func recognise(path string) error {
	switch info, err := os.Stat(path); {
	case os.IsNotExist(err):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errForeign
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, len(headed))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if !bytes.HasPrefix(headed, head[:n]) {
		return errForeign
	}
	return nil
}

// load reads the journal, cuts off a last line that a crash left unfinished,
// and begins a new one with a header.
func (j *Journal) load(f *os.File, instance string) error {
	end, err := j.read(f, instance)
	if err != nil {
		return err
	}
	for range j.doubt {
		j.sends = append(j.sends, time.Now())
	}
	if err := f.Truncate(end); err != nil {
		return err
	}
	if _, err := f.Seek(end, io.SeekStart); err != nil {
		return err
	}
	if end > 0 {
		return nil
	}
	if err := j.append(entry{Version: version, Instance: instance}, true); err != nil {
		return err
	}
	return syncDir(filepath.Dir(f.Name()))
}

// syncDir puts a new file's name on the disk, where the system can.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	_ = dir.Sync() // not every system lets a directory be synced
	return dir.Close()
}

// read takes in what earlier runs have written. It returns the offset behind
// the last whole line.
func (j *Journal) read(f io.Reader, instance string) (end int64, err error) {
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
			if rest, _ := r.Peek(1); n > 1 && len(rest) == 0 && bytes.IndexByte(line, 0) >= 0 {
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

func (j *Journal) take(n int, e entry, instance string) error {
	if n == 1 {
		switch {
		case e.Version != version:
			return fmt.Errorf("it has version %d, this program reads version %d", e.Version, version)
		case e.Instance != instance:
			return errors.New("it belongs to another secret key, hence to another instance: give this import another -journal")
		}
		return nil
	}
	switch e.Op {
	case asked:
		j.sends = append(j.sends, e.Time)
	case Sent:
		j.doubt[e.Key] = true
	case Made, Done, Rejected:
		if j.doubt[e.Key] {
			j.sends = append(j.sends, e.Time)
			delete(j.doubt, e.Key)
		}
	default:
		return fmt.Errorf("line %d: unknown entry %q", n, e.Op)
	}
	if e.Op != asked {
		j.users[e.Key] = Word{e.Op, e.User, e.Reason}
	}
	if n := len(j.sends) - maxSends; n >= maxSends {
		j.sends = j.sends[:copy(j.sends, j.sends[n:])]
	}
	return nil
}

// maxSends is how many sends of earlier runs are remembered, more than Clerk
// allows anyone in a window.
const maxSends = 10_000
