// Package journal is an append-only file that tells, whatever happens to the
// program, which users an import made.
//
// The rule is: "sent" is on the disk before the request that makes a user leaves.
// So after a crash every user is either not mentioned (no request left: create),
// or done or rejected (leave alone), or made, and not all of it (go on with that
// user of Clerk's), or sent and nothing more (ask Clerk).
//
// When to fsync: a kill -9 loses nothing that was written, since the operating
// system has it; only a power cut or a crash of the system does. A lost "sent"
// would make the user, when met again, look like somebody else's, so "sent" is
// synced. A lost "done" costs one question to Clerk, so everything else is written
// at once and synced with the next "sent", or at the end. Everyone who waits for
// the disk shares one fsync (a group commit), so that it costs a few milliseconds
// for each group and not for each user.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Op is what happened to a user.
type Op string

const (
	// Sent: the request that makes the user has left, or was just about to.
	// Without a word after it, nobody knows whether the user was made.
	Sent Op = "sent"
	// Made: the user exists, made by this import; other requests have to follow.
	Made Op = "made"
	// Done: nothing is left to be done.
	Done Op = "done"
	// Rejected: Clerk refused the user, for good.
	Rejected Op = "rejected"
	// asked: a request of another kind is about to leave. It only counts.
	asked Op = "asked"
)

// An entry is one line of the journal. The first line of a journal is a header:
// Version and Instance, and nothing else.
type entry struct {
	Version  int       `json:"version,omitempty"`
	Instance string    `json:"instance,omitempty"` // a hash of the secret key
	Op       Op        `json:"op,omitempty"`
	Key      string    `json:"key,omitempty"` // names the user
	Line     int       `json:"line,omitempty"`
	User     string    `json:"user,omitempty"`   // Clerk's id, from Made on
	Reason   string    `json:"reason,omitempty"` // with Rejected; with Done, what could not be done
	Time     time.Time `json:"time,omitzero"`
}

// A Word is the last that an earlier run left about a user; the zero Word, that
// it left none.
type Word struct {
	Op     Op
	User   string
	Reason string
}

// file is what a journal needs of an [os.File].
type file interface {
	io.WriteCloser
	Sync() error
}

// A Journal records what happens to users. It is safe for concurrent use.
type Journal struct {
	mu      sync.Mutex
	synced  sync.Cond // a commit is over
	file    file
	buffer  []byte
	written int64 // number of entries written to buffer
	stable  int64 // of those, how many are on the disk
	busy    bool  // a commit is under way
	err     error // the first failure: nothing can be recorded any more

	// As read at the start:
	users map[string]Word
	sends []time.Time
	doubt map[string]bool // sent, and nothing after it
}

// ErrBroken marks failures that end an import, as it must not go on unrecorded.
var ErrBroken = errors.New("the journal cannot be written")

func begin(f file) *Journal {
	j := &Journal{file: f, users: map[string]Word{}, doubt: map[string]bool{}}
	j.synced.L = &j.mu
	return j
}

// Word is the last word of earlier runs about a user.
func (j *Journal) Word(key string) Word { return j.users[key] }

// Empty reports whether earlier runs left no word about any user.
func (j *Journal) Empty() bool { return len(j.users) == 0 }

// Sends are the latest moments at which the last requests of earlier runs can
// have left, the earliest first: when the answer was in, or, where none was, now,
// since nobody knows how long the disk took to take the "sent".
func (j *Journal) Sends() []time.Time { return j.sends }

// Sent returns when it is on the disk that the user's request is about to leave.
func (j *Journal) Sent(key string, line int) error {
	return j.append(entry{Op: Sent, Key: key, Line: line, Time: time.Now()}, true)
}

// Asked records that another request is about to leave.
func (j *Journal) Asked() error { return j.append(entry{Op: asked, Time: time.Now()}, false) }

// Settle records what has become of a user.
func (j *Journal) Settle(key string, line int, w Word) error {
	return j.append(entry{Op: w.Op, Key: key, Line: line, User: w.User, Reason: w.Reason, Time: time.Now()}, false)
}

// append writes an entry and, if it is to be stable, waits until it is on the
// disk.
func (j *Journal) append(e entry, stable bool) error {
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
func (j *Journal) writeLocked() {
	if j.err != nil || len(j.buffer) == 0 {
		return
	}
	if _, err := j.file.Write(j.buffer); err != nil {
		j.err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	j.buffer = j.buffer[:0]
}

// commitLocked puts everything written so far on the disk. Others may write
// meanwhile; they are for the next commit.
func (j *Journal) commitLocked() {
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
		j.err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if j.err == nil {
		j.stable = upTo
	}
	j.synced.Broadcast()
}

// Close puts everything on the disk and closes the file.
func (j *Journal) Close() error {
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
