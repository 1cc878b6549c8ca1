package edge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const (
	// inMemory is the longest body that is kept in memory, unless there are no
	// files. Most of what is sent to Clerk is far shorter; pictures are longer.
	inMemory = 64 << 10
	// atFirst is how much memory a body of unknown length gets before it has come.
	atFirst = 4 << 10
	// passing is how much of a body is in memory on its way to a file: as little as
	// the connection's own buffers, so it counts as little.
	passing = 8 << 10
)

// A Spool takes in the bodies of requests, whole, before these ask for a token.
// So a client that stalls in the middle of its body holds up nobody but itself,
// and the memory of the bodies that wait is bounded.
type Spool struct {
	Memory  *Pool         // bytes in memory
	Files   *Pool         // bytes in temporary files; nil: there are none
	Dir     string        // where these are; empty: [os.TempDir]
	Timeout time.Duration // how long a client may take to send a body
}

// Why a body was not taken in.
var (
	errTooLong  = errors.New("the body is longer than this proxy takes")
	errNoRoom   = errors.New("there is no room for the body now")
	errTooSlow  = errors.New("the body did not come in time")
	errFiles    = errors.New("the body could not be kept in a file")
	errCutShort = errors.New("the body was cut short")
)

// check makes a file and removes it again, to tell whether it can.
func (s *Spool) check() error {
	f, err := s.create()
	if err != nil {
		return err
	}
	return discard(f)
}

func (s *Spool) create() (*os.File, error) {
	f, err := os.CreateTemp(s.Dir, "clerk-body-*")
	if err == nil {
		_ = os.Remove(f.Name()) // where that works, nothing is left behind even by a kill
	}
	return f, err
}

func discard(f *os.File) error {
	err := f.Close()
	_ = os.Remove(f.Name()) // where an open file cannot be removed
	return err
}

// longest is the longest body that there could ever be room for.
func (s *Spool) longest() int64 {
	if s.Files == nil {
		return s.Memory.Most()
	}
	return max(s.Files.Most(), min(s.Memory.Most(), inMemory))
}

// Take reads the body of a client's request to its end, and returns the request
// with that body, which can be read any number of times until free is called.
func (s *Spool) Take(w http.ResponseWriter, r *http.Request, client string) (out *http.Request, free func(), err error) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, func() {}, nil
	}
	if r.ContentLength > s.longest() {
		return nil, nil, errTooLong
	}
	b := &body{spool: s, client: client}
	limit := http.NewResponseController(w)
	_ = limit.SetReadDeadline(time.Now().Add(s.Timeout))
	if err := b.take(r.Body, r.ContentLength); err != nil {
		b.free()
		return nil, nil, err // the deadline stays: nobody waits for the rest of it
	}
	_ = limit.SetReadDeadline(time.Time{})
	out = new(http.Request)
	*out = *r
	out.GetBody = b.open
	out.Body, _ = b.open()
	out.ContentLength, out.TransferEncoding, out.Trailer = b.size, nil, nil
	return out, b.free, nil
}

// body is a body that was taken in: in memory, or in a file.
type body struct {
	spool  *Spool
	client string
	size   int64
	memory []byte // as long as what is taken of the spool's memory
	file   *os.File
}

// take reads a body of the given length, or of an unknown one (-1): into memory
// if it is short and finds room there, and else on into a file.
func (b *body) take(from io.Reader, length int64) error {
	most := b.spool.longest()
	if b.spool.Files != nil {
		most = min(most, inMemory)
	}
	room := length
	switch {
	case length == 0:
		return nil
	case length < 0:
		room = min(atFirst, most)
	}
	for room > 0 && b.size+room <= most && b.spool.Memory.Take(b.client, room) {
		b.memory = append(b.memory, make([]byte, room)...)
		for b.size < int64(len(b.memory)) {
			n, err := from.Read(b.memory[b.size:])
			b.size += int64(n)
			switch {
			case b.size == length:
				return nil
			case length < 0 && errors.Is(err, io.EOF):
				b.keep(bytes.Clone(b.memory[:b.size]))
				return nil
			case err != nil:
				return interrupted(err)
			}
		}
		room = min(b.size, most-b.size) // as much again
	}
	return b.toFile(from)
}

// keep has only this in memory.
func (b *body) keep(memory []byte) {
	b.spool.Memory.Give(b.client, int64(len(b.memory)-len(memory)))
	b.memory = memory
}

func interrupted(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errTooSlow
	}
	return fmt.Errorf("%w: %w", errCutShort, err)
}

// toFile moves what has been read so far to a file, and the rest after it.
func (b *body) toFile(from io.Reader) error {
	switch {
	case b.spool.Files == nil && b.size >= b.spool.longest():
		return errTooLong
	case b.spool.Files == nil:
		return errNoRoom
	}
	f, err := b.spool.create()
	if err != nil {
		return fmt.Errorf("%w: %w", errFiles, err)
	}
	begun := b.memory[:b.size]
	b.file, b.size = f, 0
	if _, err := b.Write(begun); err != nil {
		return err
	}
	b.keep(nil)
	if _, err := io.CopyBuffer(b, struct{ io.Reader }{from}, make([]byte, passing)); errors.Is(err, errTooLong) || errors.Is(err, errNoRoom) || errors.Is(err, errFiles) {
		return err
	} else if err != nil {
		return interrupted(err)
	}
	return nil
}

// Write adds to the file.
func (b *body) Write(p []byte) (int, error) {
	n := int64(len(p))
	switch {
	case b.size+n > b.spool.longest():
		return 0, errTooLong
	case !b.spool.Files.Take(b.client, n):
		return 0, errNoRoom
	}
	b.size += n
	if _, err := b.file.Write(p); err != nil {
		return 0, fmt.Errorf("%w: %w", errFiles, err)
	}
	return len(p), nil
}

// open returns a reader of the body from its beginning.
func (b *body) open() (io.ReadCloser, error) {
	switch {
	case b.size == 0:
		return http.NoBody, nil
	case b.file != nil:
		return io.NopCloser(io.NewSectionReader(b.file, 0, b.size)), nil
	}
	return io.NopCloser(bytes.NewReader(b.memory)), nil
}

// free gives the room back. A transport that has its answer and still reads then
// gets an error, if the body was in a file.
func (b *body) free() {
	b.keep(nil)
	if b.file != nil {
		b.spool.Files.Give(b.client, b.size)
		_ = discard(b.file)
	}
}
