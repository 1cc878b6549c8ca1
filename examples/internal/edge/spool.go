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
	// the connection's own buffers, so it is not counted.
	passing = 8 << 10
)

// A Spool takes in the bodies of requests, whole, before these ask for a token.
// So a client that stalls in the middle of its body holds up nobody but itself,
// and the memory of the bodies that wait is bounded.
type Spool struct {
	Memory  *Pool         // bytes in memory
	Files   *Pool         // bytes in temporary files, see [os.TempDir]; nil: there are none
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

// createFile makes a temporary file.
func createFile() (*os.File, error) {
	f, err := os.CreateTemp("", "clerk-body-*")
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

// longest is the longest body that there could ever be room for, in memory and
// anywhere.
func (s *Spool) longest() (memory, anywhere int64) {
	if s.Files == nil {
		return s.Memory.Most(), s.Memory.Most()
	}
	memory = min(s.Memory.Most(), inMemory)
	return memory, max(s.Files.Most(), memory)
}

// Take reads the body of a client's request to its end, and returns the request
// with that body, which can be read any number of times until free is called.
func (s *Spool) Take(w http.ResponseWriter, r *http.Request, client string) (out *http.Request, free func(), err error) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, func() {}, nil
	}
	if _, longest := s.longest(); r.ContentLength > longest {
		return nil, nil, errTooLong
	}
	b := &body{spool: s, client: client}
	limit := http.NewResponseController(w)
	_ = limit.SetReadDeadline(time.Now().Add(s.Timeout))
	if err := b.take(incoming{r.Body}, r.ContentLength); err != nil {
		b.free()
		return nil, nil, err // the deadline stays: nobody waits for the rest of it
	}
	_ = limit.SetReadDeadline(time.Time{})
	out = new(http.Request)
	*out = *r
	out.GetBody = b.open
	out.Body, _ = b.open()
	out.ContentLength, out.TransferEncoding, out.Trailer = b.size(), nil, nil
	return out, b.free, nil
}

// incoming is a body on its way in. Its error says why it did not come whole.
type incoming struct{ io.Reader }

func (r incoming) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return n, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, errTooSlow
	}
	return n, fmt.Errorf("%w: %w", errCutShort, err)
}

// body is a body that was taken in: in memory, or in a file.
type body struct {
	spool  *Spool
	client string
	memory []byte // its capacity is what is taken of the spool's memory
	file   *os.File
	filed  int64 // bytes in the file
}

func (b *body) size() int64 { return int64(len(b.memory)) + b.filed }

// take reads a body of the given length, or of an unknown one (-1): into memory
// if it is short and finds room there, and otherwise into a file.
func (b *body) take(from io.Reader, length int64) error {
	for b.size() != length {
		if len(b.memory) == cap(b.memory) && !b.grow(length) {
			return b.toFile(from)
		}
		n, err := from.Read(b.memory[len(b.memory):cap(b.memory)])
		b.memory = b.memory[:len(b.memory)+n]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// grow takes memory for a body of the given length, or for twice as much as has
// come if that is unknown, and reports whether there was room.
func (b *body) grow(length int64) bool {
	have := int64(cap(b.memory))
	longest, _ := b.spool.longest()
	if length < 0 {
		length = min(max(atFirst, 2*have), longest)
	}
	if length > longest || length <= have || !b.spool.Memory.Take(b.client, length-have) {
		return false
	}
	b.memory = append(make([]byte, 0, length), b.memory...)
	return true
}

// toFile moves what has been read so far to a file, and the rest after it.
func (b *body) toFile(from io.Reader) error {
	if b.spool.Files == nil {
		if _, longest := b.spool.longest(); b.size() >= longest {
			return errTooLong
		}
		return errNoRoom
	}
	var err error
	if b.file, err = createFile(); err != nil {
		return fmt.Errorf("%w: %w", errFiles, err)
	}
	_, err = b.Write(b.memory)
	b.forget()
	if err == nil {
		_, err = io.CopyBuffer(b, from, make([]byte, passing))
	}
	return err
}

// Write adds to the file.
func (b *body) Write(p []byte) (int, error) {
	n := int64(len(p))
	if _, longest := b.spool.longest(); b.filed+n > longest {
		return 0, errTooLong
	}
	if !b.spool.Files.Take(b.client, n) {
		return 0, errNoRoom
	}
	b.filed += n
	if _, err := b.file.Write(p); err != nil {
		return 0, fmt.Errorf("%w: %w", errFiles, err)
	}
	return len(p), nil
}

// open returns a reader of the body from its beginning.
func (b *body) open() (io.ReadCloser, error) {
	switch {
	case b.size() == 0:
		return http.NoBody, nil
	case b.file != nil:
		return io.NopCloser(io.NewSectionReader(b.file, 0, b.filed)), nil
	}
	return io.NopCloser(bytes.NewReader(b.memory)), nil
}

// forget gives the memory back.
func (b *body) forget() {
	b.spool.Memory.Give(b.client, int64(cap(b.memory)))
	b.memory = nil
}

// free gives all room back. A transport that still reads after it has its answer
// gets an error then, if the body was in a file.
func (b *body) free() {
	b.forget()
	if b.file != nil {
		b.spool.Files.Give(b.client, b.filed)
		_ = discard(b.file)
	}
}
