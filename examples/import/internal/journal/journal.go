// Package journal is a file that tells, whatever happens to the program, which
// users an import made.
//
// The rule is: "sent" is on the disk before the request that makes a user leaves.
// So after a crash every user is either not mentioned (no request left: create),
// or done or rejected (leave alone), or made, and not all of it (go on with that
// user of Clerk's), or sent and nothing more (ask Clerk).
//
// The file is a bbolt database, which outlives a power cut, and in which everyone
// who waits for the disk shares one transaction.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
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
)

// A Word is the last that is known of a user; the zero Word, that nothing is.
type Word struct {
	Op     Op     `json:"op"`
	User   string `json:"user,omitempty"`   // Clerk's id, from Made on
	Reason string `json:"reason,omitempty"` // with Rejected; with Done, what could not be done
}

// Settled reports whether nothing is left to be done about the user.
func (w Word) Settled() bool { return w.Op == Done || w.Op == Rejected }

// A Journal records what happens to users. It is safe for concurrent use.
type Journal struct {
	db   *bbolt.DB
	last time.Time
}

// ErrBroken marks failures that end an import, as it must not go on unrecorded.
var ErrBroken = errors.New("the journal cannot be written")

var errForeign = errors.New("this file exists and is no journal of an import; it was left as it is")

// The buckets: what is known of each user; and of the import, the instance that
// it is for, and when its last request left.
var (
	users    = []byte("users of an import, 1")
	run      = []byte("an import, 1")
	instance = []byte("instance")
	last     = []byte("last")
)

// Open opens the journal of an import, or begins one. It belongs to one instance
// and to one process at a time. A file that is no journal is not opened for
// writing.
func Open(path, of string) (j *Journal, err error) {
	defer func() {
		if errors.Is(err, bbolterrors.ErrTimeout) {
			err = errors.New("another import is using it")
		}
		if err != nil {
			err = fmt.Errorf("journal %s: %w", path, err)
		}
	}()
	const noWait = 1 // nanosecond, for a lock that another process has
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errForeign
	case info.Size() > 0:
		db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true, Timeout: noWait})
		if err == nil {
			err = errors.Join(db.View(func(tx *bbolt.Tx) error { return recognise(tx, of) }), db.Close())
		} else if !errors.Is(err, bbolterrors.ErrTimeout) {
			err = fmt.Errorf("%w (%w)", errForeign, err)
		}
		if err != nil {
			return nil, err
		}
	}
	j = &Journal{}
	if j.db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: noWait}); err != nil {
		return nil, err
	}
	if err := j.db.Update(func(tx *bbolt.Tx) error { return j.begin(tx, of) }); err != nil {
		return nil, errors.Join(err, j.db.Close())
	}
	return j, nil
}

// recognise refuses a database that is not a journal of the instance's, or the
// empty beginning of one.
func recognise(tx *bbolt.Tx, of string) error {
	b := tx.Bucket(run)
	if first, _ := tx.Cursor().First(); b == nil && first != nil {
		return errForeign
	}
	if b != nil && string(b.Get(instance)) != of {
		return errors.New("it belongs to another secret key, hence to another instance: give this import another -journal")
	}
	return nil
}

func (j *Journal) begin(tx *bbolt.Tx, of string) error {
	b, err := tx.CreateBucketIfNotExists(run)
	if err != nil {
		return err
	}
	words, err := tx.CreateBucketIfNotExists(users)
	if err != nil {
		return err
	}
	if at := b.Get(last); at != nil {
		err = j.last.UnmarshalText(at)
	}
	doubt := words.ForEach(func(_, word []byte) error {
		var w Word
		err := json.Unmarshal(word, &w)
		if w.Op == Sent { // nobody knows how long the disk took to take that
			j.last = time.Now()
		}
		return err
	})
	return errors.Join(err, doubt, b.Put(instance, []byte(of)))
}

// Word is the last word about a user.
func (j *Journal) Word(key string) (w Word, err error) {
	err = j.db.View(func(tx *bbolt.Tx) error {
		if word := tx.Bucket(users).Get([]byte(key)); word != nil {
			return json.Unmarshal(word, &w)
		}
		return nil
	})
	return w, err
}

// Last is the latest moment at which a request of an earlier run can have left:
// when the last answer was in, or, where one was not, now.
func (j *Journal) Last() time.Time { return j.last }

// Sent returns when it is on the disk that the user's request is about to leave.
func (j *Journal) Sent(key string) error { return j.Settle(key, Word{Op: Sent}) }

// Asked records that another request is about to leave.
func (j *Journal) Asked() error { return j.write(func(*bbolt.Tx) error { return nil }) }

// Settle records what has become of a user, and returns when it is on the disk.
func (j *Journal) Settle(key string, w Word) error {
	return j.write(func(tx *bbolt.Tx) error {
		word, err := json.Marshal(w)
		if err != nil {
			return err
		}
		return tx.Bucket(users).Put([]byte(key), word)
	})
}

func (j *Journal) write(f func(*bbolt.Tx) error) error {
	err := j.db.Batch(func(tx *bbolt.Tx) error {
		now, err := time.Now().MarshalText()
		return errors.Join(err, f(tx), tx.Bucket(run).Put(last, now))
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}

// Close closes the file.
func (j *Journal) Close() error { return j.db.Close() }
