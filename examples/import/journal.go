package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// What the journal says of a user.
const (
	// sent: a request to make the user has left, or was just about to. Without a
	// word after it, nobody knows whether the user was made.
	sent = "sent"
	// done: the user exists, made by this import.
	done = "done"
	// rejected: Clerk refused the user, for good.
	rejected = "rejected"
	// asked: a request of another kind, to look a user up, is about to leave. It
	// only counts.
	asked = "asked"
)

// An entry is one line of the journal. The first line of a journal is a header:
// Version and Instance, and nothing else.
type entry struct {
	Version  int       `json:"version,omitempty"`
	Instance string    `json:"instance,omitempty"` // a hash of the secret key
	Op       string    `json:"op,omitempty"`
	Key      string    `json:"key,omitempty"` // see row.key
	Line     int       `json:"line,omitempty"`
	User     string    `json:"user,omitempty"`   // Clerk's id, with done
	Reason   string    `json:"reason,omitempty"` // with rejected
	Time     time.Time `json:"time,omitzero"`
}

// A word is what an earlier run left in the journal about a user.
type word struct {
	op     string
	reason string
}

// journalFile is what a journal needs of an [os.File].
type journalFile interface {
	io.WriteCloser
	Sync() error
}

// A journal is an append-only file that tells, whatever happens to the program,
// which users were made. It is safe for concurrent use.
//
// The rule is: "sent" is on the disk before the request leaves. So after a
// crash every user is either not mentioned (no request left: create), or done
// or rejected (leave alone), or sent and nothing more (ask Clerk).
//
// When to fsync: a kill -9 loses nothing that was written, since the operating
// system has it; only a power cut or a crash of the system does. A lost "sent"
// would make the user, when met again, look like somebody else's, so "sent" is
// synced. A lost "done" costs one question to Clerk, so "done" and "rejected"
// are written at once and synced with the next "sent", or at the end. Everyone
// who waits for the disk shares one fsync (a group commit), so that it costs a
// few milliseconds for each group and not for each user.
type journal struct {
	mu      sync.Mutex
	synced  sync.Cond // a commit is over
	file    journalFile
	buffer  []byte
	written int64 // number of entries written to buffer
	stable  int64 // of those, how many are on the disk
	busy    bool  // a commit is under way
	err     error // the first failure: nothing can be recorded any more

	// As read at the start:
	users map[string]word // the last word on every user
	sends []time.Time     // when the last requests of earlier runs left
}

// errJournal marks failures that end an import, as it must not go on unrecorded.
var errJournal = errors.New("the journal cannot be written")

// openJournal opens the journal of an import, or begins one. It belongs to one
// instance and to one process at a time.
func openJournal(path, instance string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: another import is using it: %w", path, err), f.Close())
	}
	j := newJournal(f)
	if err := j.load(f, instance); err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", path, err), f.Close())
	}
	return j, nil
}

func newJournal(f journalFile) *journal {
	j := &journal{file: f, users: map[string]word{}}
	j.synced.L = &j.mu
	return j
}

// load reads the journal, cuts off a last line that a crash left unfinished,
// and begins a new one with a header.
func (j *journal) load(f *os.File, instance string) error {
	end, err := j.read(f, instance)
	if err != nil {
		return err
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
	if err := j.append(entry{Version: journalVersion, Instance: instance}, true); err != nil {
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

// sent, done and rejected record what happens to a user.

func (j *journal) sent(u *row) error {
	return j.append(entry{Op: sent, Key: u.key, Line: u.line, Time: time.Now()}, true)
}

func (j *journal) asked() error {
	return j.append(entry{Op: asked, Time: time.Now()}, false)
}

func (j *journal) done(u *row, id string) error {
	return j.append(entry{Op: done, Key: u.key, Line: u.line, User: id, Time: time.Now()}, false)
}

func (j *journal) rejected(u *row, reason string) error {
	return j.append(entry{Op: rejected, Key: u.key, Line: u.line, Reason: reason, Time: time.Now()}, false)
}

// append writes an entry and, if it is to be stable, waits until it is on the
// disk.
func (j *journal) append(e entry, stable bool) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.buffer = append(append(j.buffer, line...), '\n')
	j.written++
	if !stable {
		j.writeLocked()
		return j.err
	}
	for mine := j.written; j.stable < mine && j.err == nil; {
		if j.busy {
			j.synced.Wait()
		} else {
			j.commitLocked()
		}
	}
	return j.err
}

// writeLocked hands the buffer to the operating system.
func (j *journal) writeLocked() {
	if j.err != nil || len(j.buffer) == 0 {
		return
	}
	if _, err := j.file.Write(j.buffer); err != nil {
		j.err = fmt.Errorf("%w: %w", errJournal, err)
	}
	j.buffer = j.buffer[:0]
}

// commitLocked puts everything written so far on the disk. Others may write
// meanwhile; they are for the next commit.
func (j *journal) commitLocked() {
	j.writeLocked()
	upTo := j.written
	if j.err != nil {
		return
	}
	j.busy = true
	j.mu.Unlock()
	err := j.file.Sync()
	j.mu.Lock()
	j.busy = false
	if err != nil && j.err == nil {
		j.err = fmt.Errorf("%w: %w", errJournal, err)
	}
	if j.err == nil {
		j.stable = upTo
	}
	j.synced.Broadcast()
}

// Close puts everything on the disk and closes the file.
func (j *journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.busy {
		j.synced.Wait()
	}
	if j.err == nil && j.stable < j.written {
		j.commitLocked()
	}
	err := j.err
	if closing := j.file.Close(); err == nil {
		err = closing
	}
	return err
}
