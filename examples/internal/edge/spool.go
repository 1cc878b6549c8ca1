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
	// short is how much of a body is kept in memory: most of what is sent to Clerk is
	// shorter, and pictures are longer. It is no more than what the connection takes
	// itself, so the bound of the connections bounds it, too.
	short = 16 << 10
	// passing is how much of a body is in memory on its way to a file.
	passing = 8 << 10
)

// A Spool takes in the bodies of requests, whole, before these ask for a token.
// So a client that stalls in the middle of its body holds up nobody but itself,
// and the room of the bodies that wait is bounded.
type Spool struct {
	Long    *Pool         // bytes beyond the first 16 KiB of each body
	Files   bool          // keep these in temporary files, see [os.TempDir], and not in memory
	Timeout time.Duration // how long a client may take to send a body
}

// createFile makes a temporary file.
func createFile() (*os.File, error) {
	f, err := os.CreateTemp("", "clerk-body-*")
	if err == nil {
		_ = os.Remove(f.Name()) // where that works, nothing is left behind even by a kill
	}
	return f, err
}

func discard(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name()) // where an open file cannot be removed
}

// Take reads the body of a client's request to its end, and returns the request
// with that body, which can be read any number of times until free is called.
func (s *Spool) Take(w http.ResponseWriter, r *http.Request, client string) (out *http.Request, free func(), err error) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, func() {}, nil
	}
	if r.ContentLength > short+s.Long.Most() {
		return nil, nil, errTooLong
	}
	b := &body{spool: s, client: client}
	limit := http.NewResponseController(w)
	_ = limit.SetReadDeadline(time.Now().Add(s.Timeout))
	if err := b.take(incoming{r.Body}); err != nil {
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

// body is a body that was taken in.
type body struct {
	spool  *Spool
	client string
	size   int64
	memory []byte
	file   *os.File // what comes after that; nil: nothing
	long   int64    // taken of the spool
}

func (b *body) take(from io.Reader) (err error) {
	b.memory, err = io.ReadAll(io.LimitReader(from, short))
	b.size = int64(len(b.memory))
	if err == nil && b.size == short {
		_, err = io.CopyBuffer(b, from, make([]byte, passing))
	}
	return err
}

// Write adds what comes after the first 16 KiB.
func (b *body) Write(p []byte) (n int, err error) {
	more := int64(len(p))
	if b.long+more > b.spool.Long.Most() {
		return 0, errTooLong
	}
	if !b.spool.Long.Take(b.client, more) {
		return 0, errNoRoom
	}
	b.long += more
	b.size += more
	if !b.spool.Files {
		b.memory = append(b.memory, p...)
		return len(p), nil
	}
	if b.file == nil {
		b.file, err = createFile()
	}
	if err == nil {
		n, err = b.file.Write(p)
	}
	if err != nil {
		return n, fmt.Errorf("%w: %w", errFiles, err)
	}
	return n, nil
}

// open returns a reader of the body from its beginning.
func (b *body) open() (io.ReadCloser, error) {
	switch {
	case b.size == 0:
		return http.NoBody, nil
	case b.file == nil:
		return io.NopCloser(bytes.NewReader(b.memory)), nil
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(b.memory), io.NewSectionReader(b.file, 0, b.long))), nil
}

// free gives the room back. A transport that still reads after it has its answer
// gets an error then, if the body was in a file.
func (b *body) free() {
	b.spool.Long.Give(b.client, b.long)
	if b.file != nil {
		discard(b.file)
	}
}
