package edge

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	// inMemory is the longest body that is kept in memory. Most of what is sent
	// to Clerk is far shorter; pictures are longer.
	inMemory = 64 << 10
	// piece is how much of a body's memory is taken at a time.
	piece = 16 << 10
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
	if err := b.read(r.Body, r.ContentLength); err != nil {
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

// longest is the longest body that there could ever be room for.
func (s *Spool) longest() int64 {
	if s.Files == nil {
		return s.Memory.Most()
	}
	return max(s.Files.Most(), min(s.Memory.Most(), inMemory))
}

// body is a body that was taken in: pieces in memory, or a file.
type body struct {
	spool   *Spool
	client  string
	pieces  net.Buffers
	taken   int64 // of the spool's memory
	file    *os.File
	passing []byte // memory on the way to the file
	size    int64
}

// read reads a body of the given length, or of an unknown one (-1).
func (b *body) read(from io.Reader, length int64) error {
	for {
		p, err := b.room(length)
		if err != nil {
			return err
		}
		n, readErr := fill(from, p)
		if err := b.add(p[:n]); err != nil {
			return err
		}
		switch {
		case errors.Is(readErr, io.EOF):
			return nil
		case errors.Is(readErr, os.ErrDeadlineExceeded):
			return errTooSlow
		case readErr != nil:
			return fmt.Errorf("%w: %w", errCutShort, readErr)
		}
	}
}

// fill reads until p is full. Unlike [io.ReadFull], it tells a body that ends
// from one that breaks off.
func fill(from io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = from.Read(p[n:])
		n += more
	}
	return n, err
}

// room returns memory to read on into. On the way to a file it is as small as the
// connection's own buffers, and counts as little.
func (b *body) room(length int64) ([]byte, error) {
	if b.file == nil && (b.size < inMemory || b.spool.Files == nil) {
		n := int64(piece)
		if length >= 0 {
			n = min(n, length-b.size+1) // one more, to see the end
		}
		if b.spool.Memory.Take(b.client, n) {
			b.taken += n
			return make([]byte, n), nil
		}
	}
	if b.file == nil {
		if err := b.toFile(); err != nil {
			return nil, err
		}
	}
	if b.passing == nil {
		b.passing = make([]byte, piece/2)
	}
	return b.passing, nil
}

func (b *body) add(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if b.file == nil {
		b.pieces = append(b.pieces, p)
		b.size += int64(len(p))
		return nil
	}
	return b.write(p)
}

// toFile moves what has been read so far to a file.
func (b *body) toFile() error {
	if b.spool.Files == nil {
		if b.size >= b.spool.longest() {
			return errTooLong
		}
		return errNoRoom
	}
	f, err := b.spool.create()
	if err != nil {
		return fmt.Errorf("%w: %w", errFiles, err)
	}
	b.file, b.size = f, 0
	for _, p := range b.pieces {
		if err := b.write(p); err != nil {
			return err
		}
	}
	b.pieces = nil
	b.spool.Memory.Give(b.client, b.taken)
	b.taken = 0
	return nil
}

func (b *body) write(p []byte) error {
	n := int64(len(p))
	switch {
	case b.size+n > b.spool.longest():
		return errTooLong
	case !b.spool.Files.Take(b.client, n):
		return errNoRoom
	}
	b.size += n
	if _, err := b.file.Write(p); err != nil {
		return fmt.Errorf("%w: %w", errFiles, err)
	}
	return nil
}

// open returns a reader of the body from its beginning.
func (b *body) open() (io.ReadCloser, error) {
	switch {
	case b.size == 0:
		return http.NoBody, nil
	case b.file != nil:
		return io.NopCloser(io.NewSectionReader(b.file, 0, b.size)), nil
	}
	pieces := append(net.Buffers(nil), b.pieces...) // reading uses them up
	return io.NopCloser(&pieces), nil
}

// free gives the room back. A transport that has its answer and still reads then
// gets an error, if the body was in a file.
func (b *body) free() {
	if b.taken > 0 {
		b.spool.Memory.Give(b.client, b.taken)
	}
	if b.file != nil {
		if b.size > 0 {
			b.spool.Files.Give(b.client, b.size)
		}
		_ = discard(b.file)
	}
}
